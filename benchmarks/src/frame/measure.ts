import { isDeepStrictEqual } from 'node:util';
import type { Bench, Outcome, Side } from './bench.ts';
import { ownCpu } from './peer.ts';
import { randomFrom } from './statistics.ts';

/** Name of a measure → its value in each round. */
export type Measures = Record<string, number[]>;

export interface Measured {
  unitsPerRound: number;
  sides: Record<string, Measures>;
}

interface Round {
  outcome: Outcome;
  wall: number;
  cpu: number;
}

/** A side gave another result than the reference: the comparison means nothing. */
export class DifferentResult extends Error {
  override readonly name = 'DifferentResult';
}

/**
 * Warms every side up, then measures them in turn, round after round, in an order that is drawn anew for each: what
 * slows the machine for a while slows all of them.
 *
 * @throws DifferentResult
 */
export async function measureSides(
  { reference, rounds = 15, roundMs = 500, warmUpMs = 3000 }: Pick<Bench, 'reference' | 'rounds' | 'roundMs' | 'warmUpMs'>,
  sides: Readonly<Record<string, Side>>,
  onRound: (round: number, of: number) => void = () => {},
): Promise<Measured> {
  const names = Object.keys(sides);
  if (!names.includes(reference)) throw new Error(`The bench has no side "${reference}"; it has ${names.join(', ')}.`);
  let slowest = 0;
  for (const name of names) slowest = Math.max(slowest, await warmUp(sides[name] as Side, warmUpMs));
  const unitsPerRound = Math.max(1, Math.round((roundMs * 1000) / slowest));

  const random = randomFrom(1);
  const measured: Record<string, Measures> = Object.fromEntries(names.map((name) => [name, {}]));
  // Round 0 does not count: it is the first one with this number of units.
  for (let round = 0; round <= rounds; round += 1) {
    onRound(round, rounds);
    const results = new Map<string, unknown>();
    for (const name of inRandomOrder(names, random)) {
      const { outcome, wall, cpu } = await runRound(sides[name] as Side, unitsPerRound);
      results.set(name, outcome.result);
      if (round === 0) continue;
      const values = { wall: wall / unitsPerRound, cpu: cpu / unitsPerRound, ...outcome.measures };
      for (const [measure, value] of Object.entries(values)) ((measured[name] as Measures)[measure] ??= []).push(value);
    }
    for (const name of names) requireSame(name, results.get(name), reference, results.get(reference));
  }
  return { unitsPerRound, sides: measured };
}

/** @returns microseconds for one unit, of the last and longest attempt. @throws Error when more units take no more time */
async function warmUp(side: Side, milliseconds: number): Promise<number> {
  let total = 0;
  for (let units = 1; units < 2 ** 40; units *= 2) {
    const { wall } = await runRound(side, units);
    total += wall;
    if (total >= milliseconds * 1000) return wall / units;
  }
  throw new Error('A side does any number of units in no time: does its run() do as many as it is told?');
}

async function runRound(side: Side, units: number): Promise<Round> {
  // Each side begins with an empty young generation, not with the garbage of the one before it. A full collection would
  // take the hidden classes of what nobody holds, and the code made for them, too: each round would be one of cold code.
  globalThis.gc?.({ type: 'minor' });
  const clocks = side.cpu ?? [ownCpu];
  const cpuNow = async () => {
    let sum = 0;
    for (const clock of clocks) sum += await clock.cpuMicroseconds();
    return sum;
  };
  const cpuBefore = await cpuNow();
  const began = performance.now();
  const outcome = await withinLimit(side.run(units));
  const wall = (performance.now() - began) * 1000;
  return { outcome, wall, cpu: (await cpuNow()) - cpuBefore };
}

/** A round that never ends must not keep servers and peers alive. @throws Error after a minute */
async function withinLimit<Result>(run: Result | Promise<Result>): Promise<Result> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('A round has not ended after 60 s: less work in one unit, or something hangs.')), 60_000);
  return Promise.race([run, late]).finally(() => clearTimeout(timer));
}

function requireSame(name: string, result: unknown, reference: string, expected: unknown): void {
  if (isDeepStrictEqual(result, expected)) return;
  const show = (value: unknown) => (JSON.stringify(value) ?? String(value)).slice(0, 300);
  throw new DifferentResult(`"${name}" did not do what "${reference}" did:\n  ${show(result)}\n  ${show(expected)}`);
}

/** Fisher and Yates' shuffle. */
function inRandomOrder(names: readonly string[], random: () => number): string[] {
  const order = [...names];
  for (let last = order.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other] as string, order[last] as string];
  }
  return order;
}
