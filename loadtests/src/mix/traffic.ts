import type { Random } from '../random.ts';
import type { PlannedRequest } from './planned-request.ts';
import type { Shopper } from './shopper.ts';

/** A part of the mix: what a service, or the sample, adds to it. */
export interface Traffic {
  /** Its weight beside those of the others. */
  share: number;
  /** Every endpoint that it plans, and what it must reach, beside those of `targets.json`. */
  targets: Readonly<Record<string, { p95Ms: number; p99Ms: number }>>;
  /** Who asks: those who are logged in, or guests as well. Default `customers`. */
  by?: 'customers' | 'everybody';
  /** Each of its requests leaves jobs behind, which `elasticity` has pile up. */
  addsJobs?: true;
  /** Begins a run; what it returns plans one request after the other, of somebody who is ready. `now` in epoch milliseconds. */
  open(run: TrafficRun): (random: Random, shopper: Shopper, now: number) => PlannedRequest;
}

/** What a part of the mix may know of the run. */
export interface TrafficRun {
  /** Size of the seeded data. */
  scale: number;
  /** Different for each run, for keys that must not come twice. */
  name: string;
  /** How many generators play the same customers, none of which knows of the others' requests. */
  sharing: number;
  /** What was made for customers before the mix began. */
  found: readonly { id: string; owner: Shopper }[];
}
