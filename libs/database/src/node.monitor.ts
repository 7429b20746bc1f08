import { Client } from 'pg';
import { logPosition } from './log-position.ts';

/** What a node said about itself. */
export interface NodeSample {
  /** Own clock, epoch milliseconds, when it was asked: it has at least what it had then. */
  at: number;
  /** Whether it is a standby. */
  inRecovery: boolean;
  /** LSN up to which its data is visible: replayed on a standby, inserted on a primary. */
  position: string;
  /** {@link position} as a number of bytes. */
  bytes: number;
  /**
   * Timeline that it writes, or receives; each promotion begins a higher one. Null on a standby that receives nothing,
   * or where the role may not see it (it needs `pg_read_all_stats`).
   */
  timeline: number | null;
}

export interface MonitorOptions {
  url: string;
  intervalMs: number;
  /** Whether nobody has read for a while; then it looks at most once a second. */
  idle: () => boolean;
  timeoutMs: number;
  /** Called before the first good sample counts, and again while it throws. */
  prepare: () => Promise<void>;
  onSample: (sample: NodeSample) => void;
  /** @param failures how many in a row, from 1 */
  onFailure: (error: unknown, failures: number) => void;
}

const longestPauseMs = 1000;

// The standby's functions are NULL or errors on the other kind of node, so each is asked only where it holds.
// On a primary the first eight digits of the name of a log file are its timeline.
const sampleSql = `/* node.look */ SELECT recovering AS "inRecovery",
  CASE WHEN recovering THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END::text AS position,
  CASE WHEN recovering THEN (SELECT received_tli FROM pg_stat_wal_receiver)
    ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int END AS timeline
  FROM pg_is_in_recovery() AS recovering`;

type Answer = Pick<NodeSample, 'inRecovery' | 'position' | 'timeline'>;

/**
 * Watches one node over a connection of its own: a pool in full use must not look like a node that is down.
 * Costs one query per interval; a node that is down, and one that nobody reads from, is asked once a second.
 */
export class NodeMonitor {
  readonly #options: MonitorOptions;
  #client: Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #failures = 0;
  #prepared = false;
  #closed = false;

  constructor(options: MonitorOptions) {
    this.#options = options;
  }

  /** Looks now, joining a look that is under way; settles when the node has answered or failed to. Never rejects. */
  sample(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    clearTimeout(this.#timer);
    this.#running ??= this.#look().finally(() => {
      this.#running = undefined;
      if (this.#closed) return;
      const { intervalMs, idle } = this.#options;
      const longest = Math.max(intervalMs, longestPauseMs);
      const pause = this.#failures === 0 && idle() ? longest : Math.min(intervalMs * 2 ** Math.max(0, this.#failures - 1), longest);
      this.#timer = setTimeout(() => void this.sample(), pause).unref();
    });
    return this.#running;
  }

  /** A look that begins from now on, shared by all that ask for one meanwhile. Never rejects. */
  sampleAfresh(): Promise<void> {
    if (!this.#running) return this.sample();
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      return this.sample();
    });
    return this.#next;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    // An active query is cut off by end(), which lets a look under way fail at once.
    await this.#client?.end().catch(() => {});
    await this.#running;
  }

  async #look(): Promise<void> {
    try {
      const sample = await this.#ask();
      if (!this.#prepared) await this.#options.prepare();
      if (this.#closed) return;
      this.#prepared = true;
      this.#failures = 0;
      this.#options.onSample(sample);
    } catch (error) {
      if (this.#closed) return;
      this.#failures += 1;
      this.#options.onFailure(error, this.#failures);
    }
  }

  async #ask(): Promise<NodeSample> {
    const client = (this.#client ??= await this.#connect());
    let timer: NodeJS.Timeout | undefined;
    // After a blocked event loop timers come before sockets: an answer that has arrived meanwhile must win.
    const late = new Promise<never>((_, reject) => {
      const expire = () => setImmediate(() => reject(new Error('no answer to the sample')));
      timer = setTimeout(expire, this.#options.timeoutMs).unref();
    });
    const at = Date.now();
    const asked = client.query<Answer>(sampleSql);
    asked.catch(() => {});
    try {
      const { rows } = await Promise.race([asked, late]);
      const [row] = rows;
      if (!row) throw new Error('an empty answer to the sample');
      return { at, ...row, bytes: logPosition(row.position) };
    } catch (error) {
      this.#client = undefined;
      client.end().catch(() => {});
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #connect(): Promise<Client> {
    const client = new Client({
      connectionString: this.#options.url,
      connectionTimeoutMillis: this.#options.timeoutMs,
      keepAlive: true,
      // As in the pools: between clients that differ in it PgBouncer sets it anew, a statement more for each look.
      application_name: 'tenfold',
    });
    client.on('error', () => {});
    await client.connect();
    if (this.#closed) {
      await client.end();
      throw new Error('closed');
    }
    return client;
  }
}
