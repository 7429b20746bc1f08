import { integerBetween, type Random } from '../random.ts';
import { kinds, seededProducts } from '../seed/product.ts';
import { scatter, zipfRanks } from '../zipf.ts';
import { Reports } from './reports.ts';
import { searchTerms } from './search-terms.ts';
import type { Traffic } from './traffic.ts';

/** Share of the lists of which the next page is asked for as well. */
const GOES_ON = 0.2;

/** Products that a cart takes at most, and that one customer's gets. */
const CART_LIMIT = 50;
const CART_SIZE = 10;

/** Ids of products: popular by Zipf's law, and which ones are is scattered over all. */
function productIds(scale: number): (random: Random) => number {
  const products = seededProducts(scale);
  const rank = zipfRanks(products, 1);
  return (random) => scatter(rank(random), products);
}

const browse: Traffic = {
  share: 40,
  targets: {},
  by: 'everybody',
  open: () => {
    const rank = zipfRanks(kinds.length, 1);
    return (random, shopper) => {
      const { nextPage } = shopper;
      shopper.nextPage = undefined;
      const path = nextPage ?? (random() < 0.1 ? '/v1/products' : `/v1/products?category=${scatter(rank(random), kinds.length)}`);
      // Only who goes on reads where to: parsing every list would cost a generator more than sending the request.
      if (random() >= GOES_ON) return shopper.page('GET /v1/products', path);
      return shopper.page('GET /v1/products', path, (body) => {
        const { next } = JSON.parse(body) as { next: string | null };
        const first = path.replace(/[?&]after=.*$/, '');
        if (next !== null) shopper.nextPage = `${first}${first.includes('?') ? '&' : '?'}after=${encodeURIComponent(next)}`;
      });
    };
  },
};

const detail: Traffic = {
  share: 30,
  targets: {},
  by: 'everybody',
  open: ({ scale }) => {
    const productId = productIds(scale);
    return (random, shopper) => shopper.page('GET /v1/products/:id', `/v1/products/${productId(random)}`);
  },
};

const search: Traffic = {
  share: 10,
  targets: {},
  by: 'everybody',
  open: () => (random, shopper) => shopper.page('GET /v1/products?q=', `/v1/products?q=${encodeURIComponent(searchTerms(random))}`),
};

const cart: Traffic = {
  share: 6.3,
  targets: {},
  open: ({ scale, sharing }) => {
    const productId = productIds(scale);
    const size = sharing === 1 ? CART_SIZE : Math.max(1, Math.floor(CART_LIMIT / sharing) - 1);
    return (random, customer) => {
      const draw = random();
      if (draw < 0.43) return customer.request('GET /v1/cart', 'GET', '/v1/cart', { expected: 200 });
      const [held] = customer.cart;
      if (held !== undefined && (draw < 0.64 || customer.cart.size >= size)) {
        customer.cart.delete(held);
        return customer.request('DELETE /v1/cart/items/:id', 'DELETE', `/v1/cart/items/${held}`, { expected: 204 });
      }
      const id = productId(random);
      customer.cart.add(id);
      return customer.request('PUT /v1/cart/items/:id', 'PUT', `/v1/cart/items/${id}`, {
        expected: 200,
        json: { quantity: integerBetween(random, 1, 3) },
      });
    };
  },
};

const checkout: Traffic = {
  share: 8,
  targets: {},
  addsJobs: true,
  open: ({ scale, name }) => {
    const productId = productIds(scale);
    let checkouts = 0;
    return (random, customer) => {
      const items = new Map<number, number>();
      for (let left = integerBetween(random, 1, 3); left > 0; left--) {
        items.set(productId(random), integerBetween(random, 1, 3));
      }
      checkouts++;
      return customer.request('POST /v1/orders', 'POST', '/v1/orders', {
        expected: 201,
        headers: { 'idempotency-key': `${name}-${checkouts}` },
        json: { items: [...items].map(([productId, quantity]) => ({ productId, quantity })) },
      });
    };
  },
};

const reports: Traffic = {
  share: 2,
  targets: {},
  open: ({ found }) => {
    const known = new Reports(found);
    return (random, customer, now) => known.next(random, customer, now);
  },
};

/** What people do in the shop, of products, categories and words that are popular by Zipf's law; shares in percent, with those of sessions and pictures. */
export const shopTraffics: readonly Traffic[] = [browse, detail, search, cart, checkout, reports];
