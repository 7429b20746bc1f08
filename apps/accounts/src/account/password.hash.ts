import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto';

/** What a hash costs: memory is 128 · 2^ln · r bytes, time grows with p. */
interface Cost {
  ln: number;
  r: number;
  p: number;
}

// OWASP Password Storage Cheat Sheet: scrypt with N = 2^15 (32 MiB), r = 8, p = 3.
const cost: Cost = { ln: 15, r: 8, p: 3 };
const prefix = `$scrypt$ln=${cost.ln},r=${cost.r},p=${cost.p}$`;
const saltBytes = 16;
const hashBytes = 32;

/** A hash in PHC form: `$scrypt$ln=15,r=8,p=3$salt$hash`, base64 without padding. Blocks its thread for about 0.2 s. */
export function hashPassword(password: string): string {
  const salt = randomBytes(saltBytes);
  return toPhc(salt, derive(password, salt, cost, hashBytes));
}

/** A hash that costs as much to check as any other and that no password makes. */
export function decoyHash(): string {
  return toPhc(randomBytes(saltBytes), randomBytes(hashBytes));
}

/** Whether a hash was made with other parameters than new ones are, and should be replaced when its password is next known. */
export function isOutdated(phc: string): boolean {
  return !phc.startsWith(prefix);
}

/** Whether the password made the hash, with whatever parameters the hash names. @throws Error when it is no such hash */
export function verifyPassword(password: string, phc: string): boolean {
  const [, ln, r, p, salt, hash] = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([^$]+)\$([^$]+)$/.exec(phc) ?? [];
  if (!ln || !r || !p || !salt || !hash) throw new Error('not a password hash in PHC form');
  const expected = Buffer.from(hash, 'base64');
  const found = derive(password, Buffer.from(salt, 'base64'), { ln: Number(ln), r: Number(r), p: Number(p) }, expected.length);
  return timingSafeEqual(found, expected);
}

function derive(password: string, salt: Buffer, { ln, r, p }: Cost, length: number): Buffer {
  const N = 2 ** ln;
  return scryptSync(password.normalize('NFKC'), salt, length, { N, r, p, maxmem: 256 * N * r });
}

function toPhc(salt: Buffer, hash: Buffer): string {
  return `${prefix}${encode(salt)}$${encode(hash)}`;
}

function encode(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '');
}
