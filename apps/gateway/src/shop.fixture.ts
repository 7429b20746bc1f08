import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import supertest from 'supertest';
import { inject } from 'vitest';

const servers = inject('servers');

/** A client that keeps its cookies, as a browser does. */
export type Browser = ReturnType<typeof supertest.agent>;

/** Password of all seeded accounts. */
const seedPassword = 'tenfold-demo';

export const adminCredentials = { email: 'admin@tenfold.test', password: seedPassword };
export const demoCredentials = (n: number) => ({ email: `demo-${n}@tenfold.test`, password: seedPassword });

export function newBrowser(): Browser {
  return supertest.agent(servers.gateway);
}

export async function logIn({ email, password }: { email: string; password: string }, browser = newBrowser()): Promise<Browser> {
  await browser.post('/v1/session').send({ email, password }).expect(201);
  return browser;
}

/** Credentials that nobody has used before. */
export const newCustomer = () => ({ email: `${randomUUID()}@tenfold.test`, password: 'a password of some length', name: 'Nora New' });

/** Places an order under a new key, unless one is given. */
export function placeOrder(browser: Browser, items: readonly { productId: number; quantity: number }[] | undefined, key: string = randomUUID()) {
  return browser.post('/v1/orders').set('idempotency-key', key).send(items ? { items } : {});
}

/** Leaves exactly so many of a product in stock, as a large order by somebody else or a delivery would. */
export async function leaveInStock(left: number, productId: number): Promise<void> {
  const client = new Client({ connectionString: `${servers.postgresPrimary}/inventory` });
  await client.connect();
  try {
    await client.query(
      `with before as (
         select product_id, version, available - $2::int as surplus
         from stock_snapshots where product_id = $1 and available <> $2::int for update
       ), moved as (
         update stock_snapshots as snapshot
         set version = before.version + 1, available = $2::int, reserved = reserved + greatest(before.surplus, 0)
         from before where snapshot.product_id = before.product_id
       )
       insert into stock_events (product_id, version, type, quantity, reference)
       select product_id, version + 1, case when surplus > 0 then 'reserved' else 'restocked' end, abs(surplus), $3 from before`,
      [productId, left, randomUUID()],
    );
  } finally {
    await client.end();
  }
}

interface Mail {
  subject: string;
  text: string;
  to: { address: string }[];
}

/** The mails that the sink took for an address. */
export async function mailsTo(address: string): Promise<Mail[]> {
  const response = await fetch(`${servers.mail}/api/email`);
  const mails = (await response.json()) as Mail[];
  return mails.filter((mail) => mail.to.some((to) => to.address === address));
}
