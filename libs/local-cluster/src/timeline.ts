/** One step of a start. */
export interface Timing {
  step: string;
  /** Milliseconds after the start began. */
  fromMs: number;
  tookMs: number;
}

/** Measures what a start is made of. */
export class Timeline {
  readonly #began = performance.now();
  readonly #timings: Timing[] = [];

  get timings(): readonly Timing[] {
    return this.#timings.toSorted((a, b) => a.fromMs - b.fromMs);
  }

  get elapsedMs(): number {
    return performance.now() - this.#began;
  }

  async measure<T>(step: string, work: () => Promise<T>): Promise<T> {
    const from = this.elapsedMs;
    try {
      return await work();
    } finally {
      this.#timings.push({ step, fromMs: from, tookMs: this.elapsedMs - from });
    }
  }
}

/** The timings as lines with a bar each, for a person. */
export function drawTimeline(timings: readonly Timing[], width = 40): string {
  const total = Math.max(...timings.map((timing) => timing.fromMs + timing.tookMs), 1);
  const name = Math.max(...timings.map((timing) => timing.step.length), 0);
  return timings
    .map(({ step, fromMs, tookMs }) => {
      const before = Math.round((fromMs / total) * width);
      const bar = Math.max(1, Math.round((tookMs / total) * width));
      return `  ${step.padEnd(name)} ${(tookMs / 1000).toFixed(1).padStart(6)} s  ${' '.repeat(before)}${'█'.repeat(bar)}`;
    })
    .join('\n');
}
