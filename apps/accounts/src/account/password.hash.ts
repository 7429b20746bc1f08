import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto';

/** What a hash costs: memory is 128 · 2^ln · r bytes, time grows with p. */
interface Cost {
  ln: number;
  r: number;
  p: number;
}

// OWASP Password Storage Cheat Sheet: scrypt with N = 2^15 (32 MiB), r = 8, p = 3.
const cost: Cost = { ln: 15, r: 8, p: 3 };
const saltBytes = 16;
const hashBytes = 32;

/** A hash in PHC form: `$scrypt$ln=15,r=8,p=3$salt$hash`, base64 without padding. Blocks its thread for about 0.2 s. */
export function hashPassword(password: string): string {
  const salt = randomBytes(saltBytes);
  const { ln, r, p } = cost;
  return `$scrypt$ln=${ln},r=${r},p=${p}$${encode(salt)}$${encode(derive(password, salt, cost, hashBytes))}`;
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

function encode(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '');
}
