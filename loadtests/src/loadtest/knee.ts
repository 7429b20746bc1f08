import type { PhaseResult } from '../k6/k6.summary.ts';
import type { Usage } from '../report/observation.ts';
import type { Targets } from '../report/targets.ts';

/** Share of the due requests that must be answered rightly: at a step that holds, and at one that is not yet broken. */
const HELD = 0.99;
const BROKEN = 0.9;

/** Of the requests of one second: some of those that are due at its end start in the next one. */
const HELD_SECOND = 0.95;

/** From which share of itself a resource counts as full. */
const FULL_MACHINE = 0.95;
const FULL_LOOP = 0.9;

export interface Knee {
  /** The last step that met its targets; undefined when not even the first did. */
  knee: string | undefined;
  /** The first one that lost a tenth of its requests or more; undefined when none did. */
  breakingPoint: string | undefined;
  /** What was full at the step after the knee. */
  resource: string;
}

export interface Step {
  result: PhaseResult;
  usage: Usage | undefined;
}

/** Where a system that gets more and more to do stops to keep up, and what it has run out of. */
export function kneeOf(steps: readonly Step[], targets: Targets['overall'], cores: number): Knee {
  const answered = ({ result: { planned, requests, errors } }: Step) => (requests - errors) / planned;
  const holds = (step: Step) => answered(step) >= HELD && step.result.p95 < targets.p95Ms && step.result.p99 < targets.p99Ms;
  // Steps that a run which broke off never came to say nothing.
  const tried = steps.filter(({ result }) => result.requests > 0);
  const failed = tried.findIndex((step) => !holds(step));
  const after = failed === -1 ? undefined : tried[failed];
  return {
    knee: tried[failed === -1 ? tried.length - 1 : failed - 1]?.result.endpoint,
    breakingPoint: tried.find((step) => answered(step) < BROKEN)?.result.endpoint,
    resource: after ? fullResource(after.usage, cores) : 'nothing: every step was held',
  };
}

function fullResource(usage: Usage | undefined, cores: number): string {
  if (!usage) return 'unknown: nothing was measured';
  const { machine, busiestLoop } = usage;
  if (machine !== undefined && machine >= FULL_MACHINE * cores) {
    const [first, second] = usage.cores.map((process) => `${process.name} ${process.cores.toFixed(2)}`);
    return `CPU: ${machine.toFixed(2)} of ${cores} cores, most of it ${first}${second === undefined ? '' : ` and ${second}`}`;
  }
  if (busiestLoop && busiestLoop.share >= FULL_LOOP) return `the event loop of ${busiestLoop.name}, ${Math.round(busiestLoop.share * 100)} % busy`;
  if (!busiestLoop) return 'not CPU; no replica told how busy its event loop was';
  return 'neither CPU nor an event loop: look at the pools of the databases and at what is waited for';
}

/** Seconds after a spike until latencies and errors are as targeted, and stay so; undefined when that was not seen. */
export function recoverySeconds(after: readonly PhaseResult[], targets: Targets['overall']): number | undefined {
  const calm = ({ requests, errors, planned, p95 }: PhaseResult) => errors === 0 && requests >= planned * HELD_SECOND && p95 < targets.p95Ms;
  const lastTrouble = after.findLastIndex((second) => !calm(second));
  return lastTrouble === after.length - 1 ? undefined : after.slice(0, lastTrouble + 1).reduce((sum, { seconds }) => sum + seconds, 0);
}
