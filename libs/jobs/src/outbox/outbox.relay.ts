import { Logger } from '@nestjs/common';
import type { Database } from '@tenfold/database';
import type { EntityManager } from 'typeorm';
import { outboxOldest, outboxRows, relayed } from '../jobs.metrics.ts';
import type { Headers, RecordSender } from '../kafka/kafka.client.ts';
import { header } from '../message.headers.ts';
import { headersFrom, startRelaySpan } from '../message.span.ts';
import { registerRelay } from './outbox.ts';

interface OutboxRow {
  id: string;
  message_id: string;
  topic: string;
  key: string;
  payload: string;
  headers: Headers;
  lsn: string;
}

// Any number does, as long as nothing else in the same database uses it.
const relayLock = 7_350_042;

const batchSize = 500;

// Longer than Kafka's retries; ends the transaction of a relay whose process hangs, so that another can go on.
const idleTransactionTimeoutMs = 120_000;

const timing = {
  /** At most this long does a message wait when the process that added it could not wake the relay that may send. */
  idleMs: 500,
  /** Between two batches that were not full, so that a busy service pays for few transactions. */
  betweenMs: 50,
  shortestBackoffMs: 200,
  longestBackoffMs: 5000,
  sampleMs: 5000,
} as const;

/**
 * Moves the outbox of one database to Kafka. Every replica of a service runs one; a lock lets one at a time send, so
 * that the order holds.
 *
 * A batch is one snapshot, sent in the order of ids and deleted by id once Kafka has acknowledged all of it. So a
 * transaction that commits late with a low id is not skipped, as it would be by a relay that remembers how far it got,
 * and nobody has to wait for the oldest transaction of the instance. What commits later than the snapshot comes in a
 * later batch: messages of one key keep the order in which their transactions committed, as long as these waited for
 * each other, which those that change the same row do. A crash between Kafka and the DELETE sends the batch again; the
 * inbox of the receiver knows it by its message id.
 */
export class OutboxRelay {
  readonly #database: Database;
  readonly #sender: RecordSender;
  readonly #logger = new Logger(OutboxRelay.name);
  #running: Promise<void> | undefined;
  #sampler: NodeJS.Timeout | undefined;
  #wake: (() => void) | undefined;
  #endSleep: (() => void) | undefined;
  #woken = false;
  #stopped = false;
  #failures = 0;

  constructor(database: Database, sender: RecordSender) {
    this.#database = database;
    this.#sender = sender;
  }

  /** @throws Error while Kafka or the primary keeps messages from being sent */
  check(): void {
    if (this.#failures > 0) throw new Error(`the outbox of ${this.#database.name} keeps its messages`);
  }

  start(): void {
    registerRelay(this.#database, () => this.#nudge());
    this.#running = this.#run();
    this.#sampler = setInterval(() => void this.#sample(), timing.sampleMs).unref();
  }

  /** Lets the batch under way end, which closing the sender cuts short while Kafka is away. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#sampler);
    this.#endSleep?.();
    await this.#running;
  }

  /** Sends one batch. @returns how many messages, or undefined while another relay sends */
  async relayBatch(): Promise<number | undefined> {
    await this.#sender.connect();
    return this.#database.write(async (tx) => {
      // In a statement of its own: the snapshot below must be younger than the deletion by the lock's last owner.
      const [lock] = await tx.query<[{ held: boolean }]>(
        `SELECT pg_try_advisory_xact_lock($1) AS held, set_config('idle_in_transaction_session_timeout', $2, true)`,
        [relayLock, String(idleTransactionTimeoutMs)],
      );
      if (!lock.held) return undefined;
      const rows = await tx.query<OutboxRow[]>(
        `SELECT id, message_id, topic, key, payload, headers, pg_current_wal_insert_lsn()::text AS lsn
         FROM outbox ORDER BY id LIMIT $1`,
        [batchSize],
      );
      if (rows.length > 0) await this.#send(tx, rows);
      return rows.length;
    });
  }

  async #send(tx: EntityManager, rows: readonly OutboxRow[]): Promise<void> {
    const spans = rows.map(({ topic, headers, message_id }) => startRelaySpan(topic, headers, message_id));
    await this.#sender.send(
      rows.map(({ topic, key, payload, headers, message_id, lsn }, index) => ({
        topic,
        key,
        value: payload,
        headers: {
          ...headersFrom(spans[index], headers),
          [header.messageId]: message_id,
          [header.position]: `${this.#database.name}=${lsn}`,
        },
      })),
    );
    for (const span of spans) span?.end();
    await tx.query('DELETE FROM outbox WHERE id = ANY ($1)', [rows.map((row) => row.id)]);
    for (const { topic } of rows) relayed.inc({ topic });
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const woken = this.#woken;
      this.#woken = false;
      try {
        const count = await this.relayBatch();
        this.#failures = 0;
        if (count === batchSize) continue;
        await this.#sleep(timing.betweenMs);
        // Whoever held the lock may have looked before the message was there for which this relay was woken.
        if (!this.#woken) await this.#sleep(count === undefined && woken ? timing.betweenMs : timing.idleMs, 'wakeable');
      } catch (error) {
        if (this.#stopped) return;
        this.#failures += 1;
        this.#logger.warn({ msg: 'messages stay in the outbox', database: this.#database.name, err: error });
        await this.#sleep(Math.min(timing.shortestBackoffMs * 2 ** (this.#failures - 1), timing.longestBackoffMs));
      }
    }
  }

  #nudge(): void {
    this.#woken = true;
    this.#wake?.();
  }

  async #sleep(milliseconds: number, kind?: 'wakeable'): Promise<void> {
    if (this.#stopped) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds).unref();
      this.#endSleep = () => {
        clearTimeout(timer);
        resolve();
      };
      if (kind === 'wakeable') this.#wake = this.#endSleep;
    });
    this.#wake = undefined;
    this.#endSleep = undefined;
  }

  async #sample(): Promise<void> {
    try {
      const [outbox] = await this.#database.read((manager) =>
        manager.query<[{ rows: number; oldest: number }]>(
          `SELECT count(*)::int AS rows, coalesce(extract(epoch FROM now() - min(created_at)), 0)::float AS oldest FROM outbox`,
        ),
      );
      outboxRows.set({ database: this.#database.name }, outbox.rows);
      outboxOldest.set({ database: this.#database.name }, outbox.oldest);
    } catch (error) {
      this.#logger.debug({ msg: 'the outbox cannot be counted', database: this.#database.name, err: error });
    }
  }
}
