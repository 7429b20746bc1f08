import { integerBetween, pick, randomFrom, type Random } from '../random.ts';
import { scatter, zipfRanks } from '../zipf.ts';
import type { PlannedRequest } from './planned-request.ts';
import { Reports } from './reports.ts';
import { searchTerms } from './search-terms.ts';
import { Shopper } from './shopper.ts';

/** Shares of the mix in percent. */
const shares = { browse: 40, detail: 30, search: 10, cartAndSession: 10, checkout: 8, reports: 2 } as const;

/** Share of public requests that come from somebody who is logged in. */
const LOGGED_IN = 0.5;

/** Browsers without a session, beside those of the customers. */
const GUESTS = 200;

export interface MixOptions {
  /** Products of the shop; their ids are 1 to this. */
  products: number;
  /** Categories of the shop; their ids are 1 to this. */
  categories: number;
  /** Session cookies of those who are logged in, `name=value` each; at least one. */
  cookies: readonly string[];
  /** Different for each run, part of every Idempotency-Key: a key used again would get an old order. */
  run: string;
  /** Start of the pseudo-random numbers: the same seed plans the same requests. */
  seed: number;
}

/**
 * The traffic of the shop: browsing 40 %, product pages 30 %, search 10 %, cart and session 10 %, checkout 8 %,
 * reports 2 %, by many users, of products, categories and words that are popular by Zipf's law. Pure: it knows no
 * client and no clock but what it is given, so that every load generator can use it.
 */
export class Mix {
  readonly #random: Random;
  readonly #run: string;
  readonly #customers: readonly Shopper[];
  readonly #guests: readonly Shopper[];
  readonly #reports = new Reports();
  readonly #productId: () => number;
  readonly #categoryId: () => number;
  #checkouts = 0;

  constructor({ products, categories, cookies, run, seed }: MixOptions) {
    if (cookies.length === 0) throw new RangeError('the mix needs at least one session');
    const random = randomFrom(seed);
    const productRank = zipfRanks(products, 1);
    const categoryRank = zipfRanks(categories, 1);
    this.#random = random;
    this.#run = run;
    this.#customers = cookies.map((cookie) => new Shopper(cookie));
    this.#guests = Array.from({ length: GUESTS }, () => new Shopper());
    this.#productId = () => scatter(productRank(random), products);
    this.#categoryId = () => scatter(categoryRank(random), categories);
  }

  /** Plans the next request; `now` in epoch milliseconds. */
  next(now: number): PlannedRequest {
    const random = this.#random;
    let draw = random() * 100;
    if ((draw -= shares.browse) < 0) return this.#browse(this.#anyone());
    if ((draw -= shares.detail) < 0) return this.#detail(this.#anyone());
    if ((draw -= shares.search) < 0) return this.#search(this.#anyone());
    if ((draw -= shares.cartAndSession) < 0) return this.#cartAndSession(pick(random, this.#customers));
    if ((draw -= shares.checkout) < 0) return this.#checkout(pick(random, this.#customers));
    return this.#reports.next(random, this.#customers, now);
  }

  #anyone(): Shopper {
    return pick(this.#random, this.#random() < LOGGED_IN ? this.#customers : this.#guests);
  }

  #browse(shopper: Shopper): PlannedRequest {
    const draw = this.#random();
    const goesOn = draw < 0.2 ? shopper.nextPage : undefined;
    const path = goesOn ?? (draw < 0.3 ? '/v1/products' : `/v1/products?category=${this.#categoryId()}`);
    return shopper.page('GET /v1/products', path, (body) => {
      const { next } = JSON.parse(body) as { next: string | null };
      const first = path.replace(/[?&]after=.*$/, '');
      shopper.nextPage = next === null ? undefined : `${first}${first.includes('?') ? '&' : '?'}after=${encodeURIComponent(next)}`;
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
    if (held !== undefined && (draw < 0.75 || shopper.cart.size > 10)) {
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
}
