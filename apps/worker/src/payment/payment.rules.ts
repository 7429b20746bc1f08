import { createHash } from 'node:crypto';

const fates = ['decline', 'lose', 'double', 'silent', 'delay'] as const;

/**
 * What becomes of a payment:
 * - `decline`: it is refused.
 * - `lose`: it is taken, and the first answer is lost.
 * - `double`: it is taken, and answered twice.
 * - `silent`: it is never taken, and never answered.
 * - `delay`: it is taken, and answered after two seconds.
 */
export type Fate = (typeof fates)[number] | 'accept';

/** Which share of payments has which fate; the rest is accepted at once. */
export type PaymentRules = ReadonlyMap<Fate, number>;

/** Reads `decline=0.02,lose=0.01`. @throws RangeError that says what is wrong */
export function paymentRules(text: string): PaymentRules {
  const rules = new Map<Fate, number>();
  for (const rule of text.split(',').filter((each) => each !== '')) {
    const [name, share] = rule.split('=');
    const fate = fates.find((each) => each === name);
    if (!fate || !(Number(share) >= 0 && Number(share) <= 1)) throw new RangeError(`"${rule}" is no rule: ${fates.join(', ')}, with a share of 0 to 1, e.g. decline=0.02`);
    rules.set(fate, Number(share));
  }
  return rules;
}

/** The same for the same key, whoever asks and how often. */
export function fateOf(key: string, rules: PaymentRules): Fate {
  let left = createHash('sha256').update(key).digest().readUInt32LE(0) / 2 ** 32;
  for (const [fate, share] of rules) {
    if (left < share) return fate;
    left -= share;
  }
  return 'accept';
}
