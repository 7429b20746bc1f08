import type { Random } from '../random.ts';

/**
 * When requests are meant to start: milliseconds from 0, ascending, exactly `rate` × `seconds` of them.
 *
 * `poisson` is what many independent users make: given their number, the arrivals of a Poisson process are independent
 * and uniform (Ross, Stochastic Processes, 2nd ed., theorem 2.3.1), so bursts come as they come in life. `constant` is
 * evenly spaced, the kindest that a rate can be.
 */
export function arrivalTimes(rate: number, seconds: number, kind: 'poisson' | 'constant', random: Random): Float64Array {
  const count = Math.round(rate * seconds);
  const times = new Float64Array(count);
  for (let index = 0; index < count; index++) {
    times[index] = kind === 'constant' ? (index * 1000) / rate : random() * seconds * 1000;
  }
  return times.sort();
}
