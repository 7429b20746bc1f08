import { pick, randomFrom, type Random } from '../random.ts';
import type { PlannedRequest } from './planned-request.ts';
import { Shopper } from './shopper.ts';
import type { Traffic } from './traffic.ts';
import { traffics as allTraffics } from './traffics.ts';

/** Share of the requests that guests may make as well, but come from somebody who is logged in. */
const LOGGED_IN = 0.5;

/** Mean time between two requests of one person, exponential and at most ten times that (TPC-W 1.8, clause 5.3.1.1). */
const THINK_MS = 7000;

/** How many are asked whether they have thought enough. With too few people for a rate, somebody has to hurry. */
const ASKED = 4;

export interface MixOptions {
  /** Size of the seeded data, as `seedAll` was told. */
  scale: number;
  /** Session cookies of those who are logged in, `name=value` each; at least one. */
  cookies: readonly string[];
  /** Browsers without a session, beside those of the customers. Default 200. */
  guests?: number;
  /** How many generators play the same customers. Default 1. */
  sharing?: number;
  /** What was made for customers before, so that there is something to look at from the start. Default nothing. */
  found?: readonly Found[];
  /** What the mix consists of. Default all that services have. */
  traffics?: readonly Traffic[];
  /** Different for each run, part of every Idempotency-Key: a key used again would get an old answer. */
  run: string;
  /** Start of the pseudo-random numbers: the same seed plans the same requests. */
  seed: number;
}

/** Something that was made before the mix began. */
export interface Found {
  id: string;
  /** Index of its owner's cookie in {@link MixOptions.cookies}. */
  customer: number;
}

/**
 * The traffic of all services, each by its share, by many users who think between two requests. Pure: it knows no client
 * and no clock but what it is given, so that every load generator can use it.
 */
export class Mix {
  readonly #random: Random;
  readonly #customers: readonly Shopper[];
  readonly #guests: readonly Shopper[];
  readonly #parts: readonly { share: number; by: NonNullable<Traffic['by']>; next: ReturnType<Traffic['open']> }[];
  readonly #shares: number;

  constructor({ scale, cookies, guests = 200, sharing = 1, found = [], traffics = allTraffics, run, seed }: MixOptions) {
    if (cookies.length === 0) throw new RangeError('the mix needs at least one session');
    this.#random = randomFrom(seed);
    this.#customers = cookies.map((cookie) => new Shopper(cookie));
    this.#guests = Array.from({ length: Math.max(1, guests) }, () => new Shopper());
    const owned = found.flatMap(({ id, customer }) => {
      const owner = this.#customers[customer];
      return owner ? [{ id, owner }] : [];
    });
    this.#parts = traffics.map(({ share, by = 'customers', open }) => ({ share, by, next: open({ scale, name: run, sharing, found: owned }) }));
    this.#shares = traffics.reduce((sum, { share }) => sum + share, 0);
  }

  /** Plans the next request; `now` in epoch milliseconds. */
  next(now: number): PlannedRequest {
    const random = this.#random;
    let draw = random() * this.#shares;
    const part = this.#parts.find(({ share }) => (draw -= share) < 0) ?? this.#parts[0];
    if (!part) throw new RangeError('the mix needs at least one traffic');
    const isGuest = part.by === 'everybody' && random() >= LOGGED_IN;
    return part.next(random, this.#ready(isGuest ? this.#guests : this.#customers, now), now);
  }

  /** One who has thought enough, if one of those who are asked has. */
  #ready(people: readonly Shopper[], now: number): Shopper {
    const random = this.#random;
    let shopper = pick(random, people);
    for (let asked = 1; asked < ASKED && shopper.thinksUntil > now; asked++) shopper = pick(random, people);
    shopper.thinksUntil = now + Math.min(10 * THINK_MS, -Math.log(1 - random()) * THINK_MS);
    return shopper;
  }
}
