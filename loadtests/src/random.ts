/** A source of numbers in [0, 1). */
export type Random = () => number;

/**
 * Pseudo-random numbers that are the same on every machine: sfc32 (Doty-Humphrey, PractRand), mixed for 12 rounds.
 *
 * @param seed up to three 32-bit words; each combination is a stream of its own
 */
export function randomFrom(seed: number, stream = 0, subStream = 0): Random {
  let a = seed | 0;
  let b = stream | 0;
  let c = subStream | 0;
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 0x1_0000_0000;
  };
  for (let round = 0; round < 12; round++) next();
  return next;
}

/** A whole number from `least` to `most`, both included. */
export function integerBetween(random: Random, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1));
}

/** One of the list, each as likely. Throws RangeError for an empty list. */
export function pick<Item>(random: Random, list: readonly Item[]): Item {
  const item = list[Math.floor(random() * list.length)];
  if (item === undefined) throw new RangeError('nothing to pick from');
  return item;
}

/** `digits` lower-case hexadecimal digits. */
export function hexDigits(random: Random, digits: number): string {
  let text = '';
  while (text.length < digits) text += Math.floor(random() * 0x1_0000_0000).toString(16).padStart(8, '0');
  return text.slice(0, digits);
}
