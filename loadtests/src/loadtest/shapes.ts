import type { Phase } from '../k6/schedule.ts';
import { warmUp } from '../mix/warm-up.ts';

export const shapeNames = ['smoke', 'load', 'stress', 'spike', 'soak', 'breakpoint'] as const;
export type ShapeName = (typeof shapeNames)[number];

/** How the rate goes in a run, and which part of it is held against the targets. */
export interface Shape {
  name: ShapeName;
  phases: readonly Phase[];
  /** Name of the phase whose endpoints are judged, and its rate. */
  judged: string;
  rate: number;
  /** Requests under way at most: k6's users. */
  users: number;
  /** Whether every request must start: beyond its capacity a system can only be asked how it fails. */
  mayDrop: boolean;
}

interface Wish {
  /** The traffic that is expected. */
  rate: number;
  /** Length of the judged part, or of a step. */
  seconds: number;
}

/** As long as 99 of 100 requests may take at most, so that what is slower than its target is still started. */
const ANSWERED_WITHIN_SECONDS = 0.5;
const FEWEST_USERS = 30;

export const defaultSeconds: Readonly<Record<ShapeName, number>> = { smoke: 30, load: 60, stress: 15, spike: 20, soak: 600, breakpoint: 10 };

/** Share of the expected traffic: the smoke test is a sign of life, the soak leaves room for what else a machine does. */
const SMOKE = 0.02;
const SOAK = 0.3;
/** A spike is ten times this, so twice what is expected. */
const SPIKE_BASE = 0.2;
const SPIKE = 10;
const AFTER_SPIKE_SECONDS = 30;

/** Of a soak's length, and at most so much: until caches are full and code is compiled, a heap grows that does not leak. */
const SETTLING = 1 / 3;
const MAX_SETTLING_SECONDS = 600;

const steady = (name: string, rate: number, seconds: number): Phase => ({ name, from: rate, to: rate, seconds });

const warmingUp = (rate: number): Phase[] => warmUp().map(({ share, seconds }) => steady('warm-up', rate * share, seconds));

const usersFor = (rate: number) => Math.max(FEWEST_USERS, Math.ceil(rate * ANSWERED_WITHIN_SECONDS));

const shapes: Readonly<Record<ShapeName, (wish: Wish) => Omit<Shape, 'name'>>> = {
  smoke: ({ rate, seconds }) => constant(rate * SMOKE, seconds),
  load: ({ rate, seconds }) => constant(rate, seconds),
  soak: ({ rate, seconds }) => settled(rate * SOAK, seconds),
  stress: ({ rate, seconds }) => steps(rate, [0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3], seconds),
  // From half of what is expected in steps of a tenth, up to five times of it.
  breakpoint: ({ rate, seconds }) => steps(rate, Array.from({ length: 46 }, (_, step) => 0.5 + step / 10), seconds),
  spike: ({ rate, seconds }) => {
    const base = rate * SPIKE_BASE;
    const peak = base * SPIKE;
    const after = Array.from({ length: AFTER_SPIKE_SECONDS }, (_, second) => steady(`after ${second + 1} s`, base, 1));
    const phases = [
      ...warmingUp(base),
      steady('before', base, seconds),
      { name: 'rise', from: base, to: peak, seconds: 5 },
      steady('peak', peak, 10),
      { name: 'fall', from: peak, to: base, seconds: 5 },
      ...after,
    ];
    return { phases, judged: 'before', rate: base, users: usersFor(rate), mayDrop: true };
  },
};

/** @throws RangeError for a rate at which nothing would happen */
export function shapeOf(name: ShapeName, wish: Wish): Shape {
  if (!(wish.rate > 0) || !(wish.seconds > 0)) throw new RangeError('a rate and a length above 0');
  return { name, ...shapes[name](wish) };
}

/** A short load test, for systems that are warm already. */
export function shortLoad(rate: number, seconds: number): Shape {
  return { name: 'load', phases: [steady('warm-up', rate, 3), steady('run', rate, seconds)], judged: 'run', rate, users: usersFor(rate), mayDrop: false };
}

function constant(rate: number, seconds: number): Omit<Shape, 'name'> {
  return { phases: [...warmingUp(rate), steady('run', rate, seconds)], judged: 'run', rate, users: usersFor(rate), mayDrop: false };
}

function settled(rate: number, seconds: number): Omit<Shape, 'name'> {
  const settling = steady('settling', rate, Math.min(MAX_SETTLING_SECONDS, Math.ceil(seconds * SETTLING)));
  return { ...constant(rate, seconds), phases: [...warmingUp(rate), settling, steady('run', rate, seconds)] };
}

function steps(rate: number, factors: readonly number[], seconds: number): Omit<Shape, 'name'> {
  const first = rate * (factors[0] ?? 1);
  const phases = factors.map((factor) => steady(stepName(rate * factor), rate * factor, seconds));
  return { phases: [...warmingUp(first), ...phases], judged: stepName(first), rate: first, users: usersFor(rate), mayDrop: true };
}

function stepName(rate: number): string {
  return `${Math.round(rate)}/s`;
}
