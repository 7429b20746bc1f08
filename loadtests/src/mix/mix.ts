import { integerBetween, pick, randomFrom, type Random } from '../random.ts';
import { scatter, zipfRanks } from '../zipf.ts';
import type { PlannedRequest } from './planned-request.ts';
import { Reports } from './reports.ts';
import { searchTerms } from './search-terms.ts';
import { Shopper } from './shopper.ts';
import type { Traffic } from './traffic.ts';
import { traffics } from './traffics.ts';

/** Shares of the mix in percent. */
const shares = { browse: 40, detail: 30, search: 10, cartAndSession: 9, checkout: 8, reports: 2, picture: 1 } as const;

/** Share of public requests that come from somebody who is logged in. */
const LOGGED_IN = 0.5;

/** Share of the lists of which the next page is asked for as well. */
const GOES_ON = 0.2;

/** Mean time between two requests of one person, exponential and at most ten times that (TPC-W 1.8, clause 5.3.1.1). */
const THINK_MS = 7000;

/** How many are asked whether they have thought enough. With too few people for a rate, somebody has to hurry. */
const ASKED = 4;

/** Bytes of the pictures that are uploaded, and their shares. */
const pictureSizes = [
  { upTo: 0.6, bytes: 20_000 },
  { upTo: 0.85, bytes: 80_000 },
  { upTo: 0.95, bytes: 250_000 },
  { upTo: 1, bytes: 900_000 },
] as const;

export interface MixOptions {
  /** Products of the shop; their ids are 1 to this. */
  products: number;
  /** Categories of the shop; their ids are 1 to this. */
  categories: number;
  /** Session cookies of those who are logged in, `name=value` each; at least one. */
  cookies: readonly string[];
  /** Browsers without a session, beside those of the customers. Default 200. */
  guests?: number;
  /** Most products that one customer's cart gets; less where several generators share a customer. Default 10. */
  cartSize?: number;
  /** Reports that exist, so that there is something to look at from the start. Default none. */
  reports?: readonly KnownReport[];
  /** What services add. Default all of them. */
  added?: readonly Traffic[];
  /** Different for each run, part of every Idempotency-Key: a key used again would get an old order. */
  run: string;
  /** Start of the pseudo-random numbers: the same seed plans the same requests. */
  seed: number;
}

/** A report that was ordered before the mix began. */
export interface KnownReport {
  id: string;
  /** Index of its owner's cookie in {@link MixOptions.cookies}. */
  customer: number;
}

/**
 * The traffic of the shop: browsing 40 %, product pages 30 %, search 10 %, cart and session 9 %, checkout 8 %,
 * reports 2 %, pictures 1 %, by many users who think between two requests, of products, categories and words that are
 * popular by Zipf's law. Pure: it knows no client and no clock but what it is given, so that every load generator can
 * use it.
 */
export class Mix {
  readonly #random: Random;
  readonly #run: string;
  readonly #customers: readonly Shopper[];
  readonly #guests: readonly Shopper[];
  readonly #reports: Reports;
  readonly #added: readonly { share: number; next: ReturnType<Traffic['open']> }[];
  readonly #addedShares: number;
  readonly #cartSize: number;
  readonly #productId: () => number;
  readonly #categoryId: () => number;
  #checkouts = 0;

  constructor({ products, categories, cookies, guests = 200, cartSize = 10, reports = [], added = traffics, run, seed }: MixOptions) {
    if (cookies.length === 0) throw new RangeError('the mix needs at least one session');
    const random = randomFrom(seed);
    const productRank = zipfRanks(products, 1);
    const categoryRank = zipfRanks(categories, 1);
    this.#random = random;
    this.#run = run;
    this.#added = added.map((traffic) => ({ share: traffic.share, next: traffic.open() }));
    this.#addedShares = added.reduce((sum, { share }) => sum + share, 0);
    this.#cartSize = cartSize;
    this.#customers = cookies.map((cookie) => new Shopper(cookie));
    this.#reports = new Reports(reports.map(({ id, customer }) => ({ id, owner: this.#customers[customer] })));
    this.#guests = Array.from({ length: Math.max(1, guests) }, () => new Shopper());
    this.#productId = () => scatter(productRank(random), products);
    this.#categoryId = () => scatter(categoryRank(random), categories);
  }

  /** Plans the next request; `now` in epoch milliseconds. */
  next(now: number): PlannedRequest {
    const random = this.#random;
    let draw = random() * (100 + this.#addedShares);
    if ((draw -= shares.browse) < 0) return this.#browse(this.#anyone(now));
    if ((draw -= shares.detail) < 0) return this.#detail(this.#anyone(now));
    if ((draw -= shares.search) < 0) return this.#search(this.#anyone(now));
    const customer = this.#ready(this.#customers, now);
    if ((draw -= shares.cartAndSession) < 0) return this.#cartAndSession(customer);
    if ((draw -= shares.checkout) < 0) return this.#checkout(customer);
    if ((draw -= shares.reports) < 0) return this.#reports.next(random, customer, now);
    if ((draw -= shares.picture) < 0 || this.#added.length === 0) return this.#picture(customer);
    return this.#addedRequest(customer, draw);
  }

  #addedRequest(customer: Shopper, draw: number): PlannedRequest {
    let left = draw;
    const chosen = this.#added.find(({ share }) => (left -= share) < 0) ?? this.#added[0];
    return chosen ? chosen.next(this.#random, customer) : this.#picture(customer);
  }

  #anyone(now: number): Shopper {
    return this.#ready(this.#random() < LOGGED_IN ? this.#customers : this.#guests, now);
  }

  /** One who has thought enough, if one of those who are asked has. */
  #ready(people: readonly Shopper[], now: number): Shopper {
    const random = this.#random;
    let shopper = pick(random, people);
    for (let asked = 1; asked < ASKED && shopper.thinksUntil > now; asked++) shopper = pick(random, people);
    shopper.thinksUntil = now + Math.min(10 * THINK_MS, -Math.log(1 - random()) * THINK_MS);
    return shopper;
  }

  #browse(shopper: Shopper): PlannedRequest {
    const { nextPage } = shopper;
    shopper.nextPage = undefined;
    const path = nextPage ?? (this.#random() < 0.1 ? '/v1/products' : `/v1/products?category=${this.#categoryId()}`);
    // Only who goes on reads where to: parsing every list would cost a generator more than sending the request.
    if (this.#random() >= GOES_ON) return shopper.page('GET /v1/products', path);
    return shopper.page('GET /v1/products', path, (body) => {
      const { next } = JSON.parse(body) as { next: string | null };
      const first = path.replace(/[?&]after=.*$/, '');
      if (next !== null) shopper.nextPage = `${first}${first.includes('?') ? '&' : '?'}after=${encodeURIComponent(next)}`;
    });
  }

  #detail(shopper: Shopper): PlannedRequest {
    return shopper.page('GET /v1/products/:id', `/v1/products/${this.#productId()}`);
  }

  #search(shopper: Shopper): PlannedRequest {
    return shopper.page('GET /v1/products?q=', `/v1/products?q=${encodeURIComponent(searchTerms(this.#random))}`);
  }

  #cartAndSession(shopper: Shopper): PlannedRequest {
    const draw = this.#random();
    if (draw < 0.3) return shopper.request('GET /v1/session', 'GET', '/v1/session', { expected: 200 });
    if (draw < 0.6) return shopper.request('GET /v1/cart', 'GET', '/v1/cart', { expected: 200 });
    const [held] = shopper.cart;
    if (held !== undefined && (draw < 0.75 || shopper.cart.size >= this.#cartSize)) {
      shopper.cart.delete(held);
      return shopper.request('DELETE /v1/cart/items/:id', 'DELETE', `/v1/cart/items/${held}`, { expected: 204 });
    }
    const id = this.#productId();
    shopper.cart.add(id);
    return shopper.request('PUT /v1/cart/items/:id', 'PUT', `/v1/cart/items/${id}`, {
      expected: 200,
      json: { quantity: integerBetween(this.#random, 1, 3) },
    });
  }

  #checkout(shopper: Shopper): PlannedRequest {
    const items = new Map<number, number>();
    for (let left = integerBetween(this.#random, 1, 3); left > 0; left--) {
      items.set(this.#productId(), integerBetween(this.#random, 1, 3));
    }
    this.#checkouts++;
    return shopper.request('POST /v1/orders', 'POST', '/v1/orders', {
      expected: 201,
      headers: { 'idempotency-key': `${this.#run}-${this.#checkouts}` },
      json: { items: [...items].map(([productId, quantity]) => ({ productId, quantity })) },
    });
  }

  #picture(shopper: Shopper): PlannedRequest {
    if (shopper.hasPicture && this.#random() < 0.5) {
      return shopper.request('GET /v1/account/picture', 'GET', '/v1/account/picture', { expected: 200 });
    }
    const draw = this.#random();
    const { bytes } = pictureSizes.find(({ upTo }) => draw < upTo) ?? pictureSizes[0];
    return shopper.request('PUT /v1/account/picture', 'PUT', '/v1/account/picture', {
      expected: 204,
      headers: { 'content-type': 'image/webp' },
      // Of all types, WebP alone begins with bytes that a string can hold: every client can send it.
      body: `RIFF----WEBP${'-'.repeat(bytes - 12)}`,
      onRight: () => (shopper.hasPicture = true),
    });
  }
}
