import type { Goal } from './bench.ts';
import type { Measures } from './measure.ts';
import { medianOf, ratioOf } from './statistics.ts';
import type { Estimate } from './statistics.ts';

export interface GoalVerdict {
  goal: Goal;
  reached: Estimate;
  /** `open` when the interval holds the limit: more rounds, or a goal that is nearer to what can be had. */
  verdict: 'met' | 'NOT MET' | 'open';
}

/** Met when the whole interval is on the right side of the limit. @throws Error when a side or a measure is unknown */
export function judge(goal: Goal, sides: Readonly<Record<string, Measures>>): GoalVerdict {
  const valuesOf = (side: string) => {
    const values = sides[side]?.[goal.measure];
    if (values) return values;
    const known = Object.entries(sides).map(([name, measures]) => `${name} (${Object.keys(measures).join(', ')})`);
    throw new Error(`A goal names ${goal.measure} of "${side}"; there are ${known.join('; ')}.`);
  };
  const reached = goal.to === undefined ? medianOf(valuesOf(goal.of)) : ratioOf(valuesOf(goal.of), valuesOf(goal.to));
  const { atLeast = -Infinity, atMost = Infinity } = goal;
  if (reached.low >= atLeast && reached.high <= atMost) return { goal, reached, verdict: 'met' };
  const missed = reached.high < atLeast || reached.low > atMost;
  return { goal, reached, verdict: missed ? 'NOT MET' : 'open' };
}
