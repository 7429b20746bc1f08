import type { Random } from '../random.ts';
import type { PlannedRequest } from './planned-request.ts';
import type { Shopper } from './shopper.ts';

/** What a service adds to the traffic of the shop. */
export interface Traffic {
  /** Requests for each hundred of the shop's. */
  share: number;
  /** Every endpoint that it plans, and what it must reach, beside those of `targets.json`. */
  targets: Readonly<Record<string, { p95Ms: number; p99Ms: number }>>;
  /** Begins a run; what it returns plans one request after the other, of whoever is logged in and ready. */
  open(): (random: Random, customer: Shopper) => PlannedRequest;
}
