/** A stretch of a run in which the rate stays, or changes evenly. */
export interface Phase {
  /** Under which its figures are reported; several phases may share one. */
  name: string;
  /** Requests per second at its beginning and at its end. */
  from: number;
  to: number;
  seconds: number;
}

/** Requests that are due in a phase. */
export function plannedIn({ from, to, seconds }: Phase): number {
  return ((from + to) / 2) * seconds;
}

export function secondsOf(phases: readonly Phase[]): number {
  return phases.reduce((sum, { seconds }) => sum + seconds, 0);
}

/** Name of the phase at so many seconds from the start; the last one's name from then on. */
export function phaseAt(phases: readonly Phase[], second: number): string {
  let end = 0;
  for (const { name, seconds } of phases) if (second < (end += seconds)) return name;
  return phases.at(-1)?.name ?? '';
}

/**
 * When the request of that number, counted from 1, is due: seconds from the start. k6 starts one whenever the area under
 * the rate has grown by one, so this solves the area of each phase, a trapezoid, for its time.
 */
export function dueSecond(phases: readonly Phase[], number: number): number {
  let before = 0;
  let began = 0;
  for (const phase of phases) {
    const planned = plannedIn(phase);
    if (before + planned >= number) return began + secondInPhase(phase, number - before);
    before += planned;
    began += phase.seconds;
  }
  return began;
}

function secondInPhase({ from, to, seconds }: Phase, count: number): number {
  const growth = (to - from) / seconds;
  if (growth === 0) return count / from;
  // from * t + growth / 2 * t² = count; rounding can put the last request of a falling rate just below zero.
  return (Math.sqrt(Math.max(0, from ** 2 + 2 * growth * count)) - from) / growth;
}
