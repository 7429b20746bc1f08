import { Logger } from '@nestjs/common';
import { beforeCommit } from '@tenfold/database';
import type { Database } from '@tenfold/database';
import type { EntityManager } from 'typeorm';
import { outboxOldest, outboxRows, relayed } from '../jobs.metrics.ts';
import type { Headers, RecordSender } from '../kafka/kafka.client.ts';
import { header } from '../message.headers.ts';
import { headersFrom, startRelaySpan } from '../message.span.ts';
import { lanes } from './outbox.migration.ts';
import { registerRelay } from './outbox.ts';

/** A row of a lane's page; without id, when nothing was committed between the lane's position and the tick. */
interface OutboxRow {
  lane: number;
  tick: string;
  id: string | null;
  message_id: string;
  topic: string;
  key: string;
  payload: string;
  headers: Headers;
  lsn: string;
}

/** A lane that is being sent: what comes next of it. */
interface Page {
  lane: number;
  /** Id of the last row sent of the tick under way. */
  after: string;
  /** The tick under way; null to choose the next one. */
  tick: string | null;
}

// Rows of a lane in one send.
const pageSize = 500;

// Longer than Kafka's retries; ends the transaction of a relay whose process hangs, so that another can go on.
const idleTransactionTimeoutMs = 120_000;

const timing = {
  /** At most this long does a message wait when the process that added it could not wake the relay that may send. */
  idleMs: 1000,
  /** Between two looks while there is work, so that a busy service pays for few transactions. */
  betweenMs: 20,
  shortestBackoffMs: 200,
  longestBackoffMs: 5000,
  sampleMs: 5000,
  rotateMs: 20_000,
} as const;

/**
 * Moves the outbox of one database to Kafka. Every replica of a service runs one; each sends the lanes that no other is
 * sending, and the advisory lock of a lane is held until Kafka has acknowledged what was read of it.
 *
 * Messages come in the order of ids within a tick, and tick after tick. So those of one key keep the order in which their
 * transactions committed, as long as these waited for each other before they added them, which those that change the
 * same row do. A crash between Kafka and the lane's new position sends the tick again; the inbox of the receiver knows
 * it by its message id.
 */
export class OutboxRelay {
  readonly #database: Database;
  readonly #sender: RecordSender;
  readonly #logger = new Logger(OutboxRelay.name);
  #running: Promise<void> | undefined;
  #timers: NodeJS.Timeout[] = [];
  #wake: (() => void) | undefined;
  #endSleep: (() => void) | undefined;
  #woken = false;
  #stopped = false;
  #failures = 0;
  /** Whether the last batch was so large that there may be more. */
  #backlogged = false;
  /** The half of the lanes to try first while there is a backlog, so that two relays share it. */
  #turn = 0;

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
    this.#timers = [
      setInterval(() => void this.#sample(), timing.sampleMs).unref(),
      setInterval(() => void this.#rotate(), timing.rotateMs).unref(),
    ];
  }

  /** Lets the batch under way end, which closing the sender cuts short while Kafka is away. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#endSleep?.();
    await this.#running;
  }

  /**
   * Sends what was committed until now, at most some pages of it. Needs Kafka only when there is something to send: ticks
   * are taken while it is away, so that the backlog is in pieces when it is back.
   *
   * @returns how many messages; undefined while others send what is there
   */
  async relayBatch(): Promise<number | undefined> {
    const behind = await this.#tick();
    if (behind.length === 0) return 0;
    await this.#sender.connect();
    const relay = async (tx: EntityManager, taken: readonly number[]) => {
      if (taken.length === 0) return undefined;
      let sent = 0;
      let pages: Page[] = taken.map((lane) => ({ lane, after: '0', tick: null }));
      while (pages.length > 0) {
        const rows = await this.#read(tx, pages);
        const messages = rows.filter(({ id }) => id !== null);
        if (messages.length > 0) await this.#send(messages);
        sent += messages.length;
        pages = await this.#advance(tx, pages, rows);
      }
      return sent;
    };
    return this.#database.write((tx, [, locked = []]) => relay(tx, locked.map(({ lane }) => Number(lane))), { start: this.#startLocking(behind), position: false });
  }

  /** Takes a tick if anything happened since the last one. @returns the lanes that are behind it */
  async #tick(): Promise<number[]> {
    const [, states] = await this.#database.write(async (_, started) => started, {
      start: `START TRANSACTION;
        SELECT promoted, ARRAY(SELECT lane FROM generate_series(0, ${lanes - 1}) AS lane
          WHERE pg_sequence_last_value(('outbox_lane_' || lane)::regclass) < tick) AS behind
        FROM outbox_promote() AS promoted, outbox_tick() AS tick`,
      position: false,
    });
    const [state] = states as unknown as [{ promoted: number; behind: number[] }];
    // What was promoted is committed now, and in the next tick.
    if (state.promoted > 0) this.#woken = true;
    return state.behind;
  }

  /** The lock is a statement of its own: the snapshots of the next ones must be younger than what the locks' last owners did. */
  #startLocking(behind: readonly number[]): string {
    const wanted = this.#backlogged ? this.#half(behind) : behind;
    return `START TRANSACTION; SELECT lane FROM set_config('idle_in_transaction_session_timeout', '${idleTransactionTimeoutMs}', true),
      unnest('{${wanted.join()}}'::int[]) AS lane WHERE pg_try_advisory_xact_lock(7350042, lane)`;
  }

  async #read(tx: EntityManager, pages: readonly Page[]): Promise<OutboxRow[]> {
    return tx.query<OutboxRow[]>(
      `SELECT lane, page.* FROM unnest($1::int[], $2::bigint[], $3::bigint[]) AS wanted (lane, after, tick),
         outbox_take(lane, after, tick, $4) AS page`,
      [pages.map(({ lane }) => lane), pages.map(({ after }) => after), pages.map(({ tick }) => tick), pageSize],
    );
  }

  async #send(rows: readonly OutboxRow[]): Promise<void> {
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
    for (const { topic } of rows) relayed.inc({ topic });
  }

  /** Moves the lanes on whose tick is sent. @returns the lanes with a further page of theirs */
  async #advance(tx: EntityManager, pages: readonly Page[], rows: readonly OutboxRow[]): Promise<Page[]> {
    const further: Page[] = [];
    const done: { lane: number; tick: string }[] = [];
    this.#backlogged = false;
    for (const { lane } of pages) {
      const ofLane = rows.filter((row) => row.lane === lane);
      const last = ofLane.at(-1);
      if (!last) continue;
      if (ofLane.length >= pageSize / 2) this.#backlogged = true;
      if (last.id !== null && ofLane.length === pageSize) further.push({ lane, after: last.id, tick: last.tick });
      else done.push({ lane, tick: last.tick });
    }
    const moved = done.map(({ lane, tick }) => `SELECT setval('outbox_lane_${lane}', ${tick})`).join('; ');
    if (moved === '') return further;
    // At once where more is to be sent, which may fail: what has been sent is known then.
    if (further.length > 0) await tx.query(moved);
    else beforeCommit(tx, moved);
    return further;
  }

  #half(behind: readonly number[]): number[] {
    this.#turn += 1;
    const half = behind.filter((lane) => lane % 2 === this.#turn % 2);
    return half.length > 0 ? half : [...behind];
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const woken = this.#woken;
      this.#woken = false;
      try {
        const count = await this.relayBatch();
        this.#failures = 0;
        if (this.#backlogged && count !== undefined) continue;
        await this.#sleep(timing.betweenMs);
        // Whoever holds a lane may have looked before the message was there for which this relay was woken.
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
      const [outbox] = await this.#database.write((tx) =>
        tx.query<[{ rows: string; oldest: number }]>(
          `SELECT outbox_id.last_value - sent.last_id AS rows, coalesce(extract(epoch FROM now() - waiting.at), 0)::float AS oldest
           FROM outbox_id, (SELECT position.* FROM generate_series(0, $1::int - 1) AS lane, outbox_position(lane) AS position
             ORDER BY position.id LIMIT 1) AS sent
           LEFT JOIN LATERAL (SELECT at FROM outbox_ticks WHERE id > sent.id ORDER BY id LIMIT 1) AS waiting ON true`,
          [lanes],
        ),
      );
      outboxRows.set({ database: this.#database.name }, Number(outbox.rows));
      outboxOldest.set({ database: this.#database.name }, outbox.oldest);
    } catch (error) {
      this.#logger.debug({ msg: 'the outbox cannot be counted', database: this.#database.name, err: error });
    }
  }

  async #rotate(): Promise<void> {
    try {
      await this.#database.write((tx) => tx.query('SELECT outbox_rotate()'));
    } catch (error) {
      this.#logger.debug({ msg: 'sent messages stay in the outbox', database: this.#database.name, err: error });
    }
  }
}
