/** Failures in a row at which a replica is left out. */
const failuresInARow = 5;

/** A replica is slow that takes so many times as long as the others, and so many milliseconds longer. */
const slowFactor = 5;
const slowByMs = 100;

/** Calls since the last look at it from which on its mean says anything. */
const enoughCalls = 10;

/** Milliseconds it is left out the first time; twice as long each time after, up to the second. */
const leftOutMs = [1000, 30_000] as const;

/** Calls that must succeed, one at a time, before it counts as good again. */
const probes = 3;

/**
 * What is known of how a replica answers, and whether it should be asked: the outlier detection that Envoy describes,
 * https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/outlier
 */
export class ReplicaRecord {
  #failuresInARow = 0;
  #calls = 0;
  #milliseconds = 0;
  #leftOutUntil = 0;
  #timesLeftOut = 0;
  #probesLeft = 0;

  /** @param now milliseconds, on any clock that never goes back */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /** `probing`: one call at a time. */
  get state(): 'good' | 'probing' | 'left-out' {
    if (this.#probesLeft === 0) return 'good';
    return this.now() < this.#leftOutUntil ? 'left-out' : 'probing';
  }

  succeeded(milliseconds: number): void {
    this.#failuresInARow = 0;
    this.#calls += 1;
    this.#milliseconds += milliseconds;
    if (this.state !== 'probing') return;
    this.#probesLeft -= 1;
    if (this.#probesLeft === 0) this.#timesLeftOut = Math.max(0, this.#timesLeftOut - 1);
  }

  failed(): void {
    this.#failuresInARow += 1;
    if (this.#failuresInARow >= failuresInARow || this.state === 'probing') this.leaveOut();
  }

  leaveOut(): void {
    const longest = Math.min(leftOutMs[0] * 2 ** this.#timesLeftOut, leftOutMs[1]);
    this.#leftOutUntil = this.now() + longest;
    this.#timesLeftOut += 1;
    this.#probesLeft = probes;
    this.#failuresInARow = 0;
  }

  /** Mean milliseconds of the calls since the last time this was asked; undefined where they are too few. */
  takeMean(): number | undefined {
    if (this.#calls < enoughCalls) return undefined;
    const mean = this.#milliseconds / this.#calls;
    this.#calls = this.#milliseconds = 0;
    return mean;
  }
}

/** Leaves out those that are much slower than the median of all. */
export function leaveOutSlow(records: readonly ReplicaRecord[]): void {
  const means = records.flatMap((record) => {
    const mean = record.takeMean();
    return mean === undefined ? [] : [{ record, mean }];
  });
  if (means.length < 2) return;
  const median = means.map(({ mean }) => mean).toSorted((left, right) => left - right)[(means.length - 1) >>> 1] as number;
  for (const { record, mean } of means) if (mean > slowFactor * median && mean > median + slowByMs) record.leaveOut();
}
