import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds between two requests. */
const pace = 100;
/** One request in so many is an order. */
const orderEach = 10;

export interface SteadyLoad {
  /** Resolves when what is under way has been answered. */
  stop(): Promise<{ requests: number; failures: string[] }>;
}

/** A customer who looks at products and buys one now and then, at the same pace whatever the shop does. */
export class SteadyShopper {
  readonly #url: string;
  readonly #cookie: string;
  readonly #products: readonly number[];
  readonly email: string;

  private constructor(url: string, email: string, cookie: string, products: readonly number[]) {
    this.#url = url;
    this.email = email;
    this.#cookie = cookie;
    this.#products = products;
  }

  /** @throws Error with the answer when the shop refuses */
  static async signUp(url: string, email: string): Promise<SteadyShopper> {
    const post = async (path: string, body: object) => {
      const answer = await fetch(`${url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
      if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`);
      return answer;
    };
    const password = randomUUID();
    await post('/v1/accounts', { email, password, name: 'Rehearsal' });
    const session = await post('/v1/session', { email, password });
    const cookie = session.headers.getSetCookie().map((header) => header.split(';')[0]).join('; ');
    const listed = await fetch(`${url}/v1/products?limit=20`);
    const { items } = (await listed.json()) as { items: { id: number }[] };
    return new SteadyShopper(url, email, cookie, items.map(({ id }) => id));
  }

  /** @throws Error with the answer when it is not 201 */
  async buy(): Promise<void> {
    const answer = await this.#order(this.#products[0] ?? 1);
    if (answer.status !== 201) throw new Error(`POST /v1/orders: ${answer.status} ${await answer.text()}`);
    await answer.body?.cancel();
  }

  start(): SteadyLoad {
    const failures: string[] = [];
    const underWay = new Set<Promise<void>>();
    let requests = 0;
    const ask = async (number: number) => {
      const product = this.#products[number % this.#products.length] ?? 1;
      const what = number % orderEach === 0 ? 'POST /v1/orders' : 'GET /v1/products/:id';
      try {
        const answer = await (number % orderEach === 0 ? this.#order(product) : fetch(`${this.#url}/v1/products/${product}`, { signal: AbortSignal.timeout(10_000) }));
        const text = await answer.text();
        if (!answer.ok) failures.push(`${what}: ${answer.status} ${/"type":"([^"]*)"/.exec(text)?.[1] ?? text.slice(0, 80)}`);
      } catch (error) {
        const { message, cause } = error as Error;
        failures.push(`${what}: ${message} ${cause instanceof Error ? cause.message : ''}`);
      }
    };
    const timer = setInterval(() => {
      const asked = ask(requests);
      requests += 1;
      underWay.add(asked);
      void asked.then(() => underWay.delete(asked));
    }, pace);
    return {
      stop: async () => {
        await sleep(1_000);
        clearInterval(timer);
        await Promise.all(underWay);
        return { requests, failures };
      },
    };
  }

  #order(product: number): Promise<Response> {
    return fetch(`${this.#url}/v1/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', cookie: this.#cookie, 'idempotency-key': randomUUID() },
      body: JSON.stringify({ items: [{ productId: product, quantity: 1 }] }),
      signal: AbortSignal.timeout(10_000),
    });
  }
}
