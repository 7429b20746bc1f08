import { scryptSync } from 'node:crypto';

export const cost = { N: 2 ** 14, r: 8, p: 1 } as const;

export default function hash(password: string): string {
  return scryptSync(password, 'salt', 32, cost).toString('hex');
}
