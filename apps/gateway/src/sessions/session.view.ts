import { account, instant, pageOf } from '@tenfold/contracts';
import { z } from 'zod';
import { Problem } from '../problems/problem.ts';
import type { CurrentSession } from './current-session.ts';

/** A session as its owner sees it. */
export const sessionView = z.strictObject({
  id: z.string().meta({ description: 'Public name of the session; it opens nothing' }),
  account: account.omit({ createdAt: true }),
  createdAt: instant,
});
export type SessionView = z.output<typeof sessionView>;

export const listedSession = z.strictObject({
  id: z.string(),
  device: z.string(),
  createdAt: instant,
  lastUsedAt: instant,
  current: z.boolean().meta({ description: 'Whether it is the one that asks' }),
});
export const listedSessions = pageOf(listedSession);

/** @throws Problem `not-logged-in` for a visitor's session */
export function viewOf({ session }: CurrentSession): SessionView {
  if (!session.account) throw new Problem('not-logged-in');
  const { id, email, name, role } = session.account;
  return {
    id: session.handle,
    account: { id, email, name, role: role === 'admin' ? 'admin' : 'customer' },
    createdAt: session.createdAt.toISOString(),
  };
}
