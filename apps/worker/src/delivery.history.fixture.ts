import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { orderPlaced, sendReceipt } from '@tenfold/contracts';
import type { PayloadOf } from '@tenfold/contracts';
import { Database, DatabaseError } from '@tenfold/database';
import { addMessage } from '@tenfold/jobs';
import { readTopic } from '@tenfold/jobs/testing';
import type { Cluster } from '@tenfold/local-cluster';
import type { MailSink } from '@tenfold/local-cluster/testing';
import { Client } from 'pg';
import type { EntityManager } from 'typeorm';

/** An order that the load asked for; its number is its category in the sales, so that every order has rows of its own. */
interface Recorded {
  number: number;
  key: string;
  messageId: string;
  receipt: string | undefined;
  /** What the transaction's end told: committed, not committed, or nothing. */
  outcome: 'acknowledged' | 'refused' | 'unknown';
}

/** What a checker found; every list is empty when the promises were kept. */
export interface Verdict {
  acknowledged: number;
  /** Acknowledged, and without effect. */
  lost: number[];
  /** With more than one effect. */
  twice: number[];
  /** In Kafka after a later one of the same key. */
  loggedLate: number[];
  /** Handled before an earlier one of the same key. */
  handledEarly: number[];
  /** Receipts that nobody got. */
  mailsLost: string[];
  /** Mails sent again under their Message-ID: a worker died between the server's answer and the mark. */
  mailCopies: number;
}

const keys: readonly string[] = Array.from({ length: 12 }, () => randomUUID());
/** Of transactions beside those sequences. */
export const otherKey = randomUUID();
const day = '2001-01-01';

/**
 * Load on a running worker and a checker of what became of it: each of 12 keys has its own sequence of transactions, one
 * after another, which add orders to the worker's own outbox; its relays, consumers and handlers do the rest.
 */
export class DeliveryHistory {
  readonly #cluster: Cluster;
  readonly #mailSink: MailSink;
  readonly #database: Database;
  readonly #recorded: Recorded[] = [];
  #loops: Promise<unknown> = Promise.resolve();
  #stopping = new AbortController();
  #next = 1;

  /** @param mailSink where the workers' mails go */
  constructor(cluster: Cluster, mailSink: MailSink) {
    this.#cluster = cluster;
    this.#mailSink = mailSink;
    this.#database = new Database({ name: 'worker', entities: [], primaryUrl: `${cluster.urls.postgres.primary}/worker`, replicaUrls: [] });
  }

  /** The accounts to which receipts go. */
  async prepare(): Promise<void> {
    const accounts = new Database({ name: 'accounts', entities: [], primaryUrl: `${this.#cluster.urls.postgres.primary}/accounts`, replicaUrls: [] });
    await accounts.write((tx) =>
      tx.query(
        `INSERT INTO accounts (id, email, name, role, password_hash)
         SELECT id, id || '@tenfold.test', 'Somebody', 'customer', 'none' FROM unnest($1::uuid[]) AS id`,
        [[...keys, otherKey]],
      ),
    );
    await accounts.close();
  }

  /** @param perSecond transactions of all keys together */
  start(perSecond: number): void {
    this.#stopping = new AbortController();
    const { signal } = this.#stopping;
    const pauseMs = (1000 * keys.length) / perSecond;
    const loop = async (key: string) => {
      while (!signal.aborted) {
        await this.add(key);
        await sleep(pauseMs, undefined, { signal }).catch(() => {});
      }
    };
    this.#loops = Promise.all(keys.map(loop));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loops;
  }

  /** @param within runs in the order's transaction, after it was added */
  async add(key: string, within?: (tx: EntityManager) => Promise<void>): Promise<void> {
    const number = this.#next++;
    const order = orderOf(number, key);
    const recorded: Recorded = { number, key, messageId: '', receipt: number % 5 === 0 ? order.orderId : undefined, outcome: 'unknown' };
    this.#recorded.push(recorded);
    try {
      await this.#database.write(async (tx) => {
        recorded.messageId = await addMessage(tx, orderPlaced, order);
        if (recorded.receipt) await addMessage(tx, sendReceipt, order);
        await within?.(tx);
      });
      recorded.outcome = 'acknowledged';
    } catch (error) {
      const unknown = error instanceof Error && 'code' in error && error.code === 'outcome-unknown';
      recorded.outcome = unknown ? 'unknown' : 'refused';
    }
  }

  /** Waits for a primary that is still on its way back. */
  async query<Row>(sql: string, parameters?: unknown[]): Promise<Row[]> {
    const until = Date.now() + 45_000;
    for (;;) {
      try {
        return await this.#database.write((tx) => tx.query<Row[]>(sql, parameters));
      } catch (error) {
        if (!(error instanceof DatabaseError) || Date.now() > until) throw error;
        await sleep(250);
      }
    }
  }

  /** Runs on a connection of its own: nobody ends it because the primary was late to answer a look at it. */
  async alone(run: (client: Client) => Promise<void>): Promise<void> {
    const client = new Client({ connectionString: `${this.#cluster.urls.postgres.primary}/worker` });
    await client.connect();
    await run(client).finally(() => client.end());
  }

  /** Waits until all has its effect, or nothing changes any more, and compares. */
  async check(): Promise<Verdict> {
    await this.#settled();
    const acknowledged = this.#recorded.filter(({ outcome }) => outcome === 'acknowledged');
    const counts = await this.#effects();
    const log = await this.#logged();
    const handledAt = await this.#handledAt();
    const mails = this.#mails();
    const receipts = acknowledged.flatMap(({ receipt }) => receipt ?? []);
    return {
      acknowledged: acknowledged.length,
      lost: acknowledged.filter(({ number }) => !counts.has(number)).map(({ number }) => number),
      twice: [...counts].filter(([, count]) => count !== 1).map(([number]) => number),
      loggedLate: descending(log),
      handledEarly: descending(
        [...acknowledged]
          .sort((one, other) => one.number - other.number)
          .flatMap(({ key, messageId }) => ({ key, number: handledAt.get(messageId) ?? -1 })),
      ),
      mailsLost: receipts.filter((orderId) => !mails.has(orderId)),
      mailCopies: [...mails.values()].reduce((sum, count) => sum + count - 1, 0),
    };
  }

  async close(): Promise<void> {
    await this.#database.close();
  }

  async #settled(): Promise<void> {
    const expected = this.#recorded.filter(({ outcome }) => outcome === 'acknowledged').length;
    let last = '';
    let unchangedSince = Date.now();
    // A member taken for dead after 6 s, a transaction of a stopped process ended after 30: what moves no more for longer is lost.
    while (Date.now() - unchangedSince < 45_000) {
      const mails = this.#mails();
      // Counted where they are: this process takes the mails, too, and all rows each time would keep it busy.
      const [effects] = await this.query<{ count: number }>('SELECT count(*)::int AS count FROM sales_by_day WHERE day = $1', [day]);
      const handled = effects?.count ?? 0;
      const receipts = this.#recorded.filter(({ outcome, receipt }) => outcome === 'acknowledged' && receipt !== undefined).length;
      if (handled >= expected && mails.size >= receipts) return;
      const state = `${handled}/${mails.size}`;
      if (state !== last) unchangedSince = Date.now();
      last = state;
      await sleep(250);
    }
  }

  /** Orders by number, and how often each was counted. */
  async #effects(): Promise<Map<number, number>> {
    const rows = await this.query<{ number: number; orders: number }>('SELECT category_id AS number, orders FROM sales_by_day WHERE day = $1', [day]);
    return new Map(rows.map(({ number, orders }) => [number, orders]));
  }

  /** What Kafka has of the load, in its order, the first time of each. */
  async #logged(): Promise<{ key: string; number: number }[]> {
    const seen = new Set<string>();
    return (await readTopic([this.#cluster.urls.kafka], orderPlaced.topic)).flatMap(({ key, value, headers }) => {
      const id = headers['message-id'] ?? '';
      if (seen.has(id) || !(keys.includes(key) || key === otherKey)) return [];
      seen.add(id);
      const [line] = (JSON.parse(value ?? '') as PayloadOf<typeof orderPlaced>).lines;
      return line ? [{ key, number: line.categoryId }] : [];
    });
  }

  async #handledAt(): Promise<Map<string, number>> {
    const rows = await this.query<{ message_id: string; at: number }>('SELECT message_id, extract(epoch FROM handled_at)::float8 AS at FROM inbox');
    return new Map(rows.map(({ message_id, at }) => [message_id, at]));
  }

  /** Receipts that the mail sink took by order, and how many copies of each. */
  #mails(): Map<string, number> {
    return new Map([...this.#mailSink.copies].map(([messageId, count]) => [/^receipt-([0-9a-f-]{36})/.exec(messageId)?.[1] ?? '', count]));
  }
}

/** The numbers that come after a greater one of their key. */
function descending(entries: readonly { key: string; number: number }[]): number[] {
  const highest = new Map<string, number>();
  return entries.flatMap(({ key, number }) => {
    if (number < (highest.get(key) ?? -1)) return [number];
    highest.set(key, number);
    return [];
  });
}

function orderOf(number: number, accountId: string): PayloadOf<typeof orderPlaced> {
  return {
    orderId: randomUUID(),
    accountId,
    totalCents: 100,
    createdAt: `${day}T00:00:00.000Z`,
    lines: [{ productId: 1, name: 'Lamp', categoryId: number, quantity: 1, priceCents: 100 }],
  };
}
