import { createHash, scryptSync } from 'node:crypto';
import { pick, randomFrom } from '../random.ts';
import { firstNames, lastNames } from './vocabulary.ts';

/** Customers of a seed; the admin comes on top. */
export const seededAccounts = (scale: number): number => Math.round(20_000 * scale);

/** Password of every seeded account. They exist on a machine of one's own only. */
export const PASSWORD = 'tenfold-demo';

export const ADMIN_EMAIL = 'admin@tenfold.test';

const ACCOUNT_SEED = 0x61_63_63_74;
const SALT = Buffer.from('tenfold seed 001');

/** Address of customer `n`, from 1. */
export function accountEmail(n: number): string {
  return `demo-${n}@tenfold.test`;
}

export function accountName(n: number): string {
  const random = randomFrom(ACCOUNT_SEED, n);
  return `${pick(random, firstNames)} ${pick(random, lastNames)}`;
}

/** The same UUID for the same address, marked as version 8, "custom" (RFC 9562, section 5.8). */
export function accountId(email: string): string {
  const bytes = createHash('sha256').update(email).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** {@link PASSWORD} in PHC string format with the cost that `accounts` uses; one hash for all, as 20,000 would take half an hour. */
export function passwordHash(): string {
  const hash = scryptSync(PASSWORD, SALT, 32, { N: 2 ** 15, r: 8, p: 3, maxmem: 64 * 1024 * 1024 });
  return `$scrypt$ln=15,r=8,p=3$${withoutPadding(SALT)}$${withoutPadding(hash)}`;
}

function withoutPadding(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
