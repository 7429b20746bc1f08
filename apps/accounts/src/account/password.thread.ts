import { constants, setPriority } from 'node:os';
import { hashPassword, verifyPassword } from './password.hash.ts';

export type PasswordTask = { password: string; against?: string };

// On Linux a priority is a thread's own: whatever else wants a core gets it before a hash, here and in other processes.
if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_BELOW_NORMAL);

/** Runs in a worker thread, so that hashing never blocks the event loop. */
export default function run({ password, against }: PasswordTask): string | boolean {
  return against === undefined ? hashPassword(password) : verifyPassword(password, against);
}
