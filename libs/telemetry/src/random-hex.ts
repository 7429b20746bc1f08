import { randomFillSync } from 'node:crypto';

/** Random bytes in store: asking the operating system for 16 at a time costs several times as much. */
const entropy = Buffer.alloc(4096);
let used = entropy.length;

/** Random hexadecimal digits, two for each byte. */
export function randomHex(bytes: number): string {
  if (used + bytes > entropy.length) {
    randomFillSync(entropy);
    used = 0;
  }
  used += bytes;
  return entropy.toString('hex', used - bytes, used);
}
