import { hashPassword, verifyPassword } from './password.hash.ts';

export type PasswordTask = { password: string; against?: string };

/** Runs in a worker thread, so that hashing never blocks the event loop. */
export default function run({ password, against }: PasswordTask): string | boolean {
  return against === undefined ? hashPassword(password) : verifyPassword(password, against);
}
