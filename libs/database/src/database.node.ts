import type { Socket } from 'node:net';
import { DatabaseError as ServerError, Pool } from 'pg';
import type { PoolClient, PoolConfig } from 'pg';
import { BudgetError, isTracing, outsideStatementBudget } from '@tenfold/telemetry';
import { DataSource, QueryFailedError } from 'typeorm';
import type { EntityManager } from 'typeorm';
import { statementsBeforeCommit } from './before-commit.ts';
import { DatabaseError, isConnectionFailure, isOutOfTime, isPoolTimeout, isReadOnlyRefusal } from './database.error.ts';
import type { ResolvedBehaviour } from './database.options.ts';
import { NodeMonitor } from './node.monitor.ts';
import type { NodeSample } from './node.monitor.ts';
import { commit, inTransaction } from './node.transaction.ts';
import type { Rows } from './node.transaction.ts';
import { withPlainQuery } from './reader.ts';
import type { Reader } from './reader.ts';
import type { Statement } from './statement.ts';
import { StatementObserver } from './statement.observation.ts';
import { sentValues } from './statement.query.ts';
import { TracedClient } from './traced.client.ts';

export interface NodeOptions {
  url: string;
  role: 'primary' | 'replica';
  /** Unique within the database, e.g. `replica-1`. */
  name: string;
  behaviour: ResolvedBehaviour;
  /** Whether nobody has read from the database for a while. */
  idle: () => boolean;
  onSample: (sample: NodeSample, node: DatabaseNode) => void;
  onLost: (node: DatabaseNode) => void;
}

// So many reads in a row whose connection breaks say that the node is not well, whatever it answers to samples.
const failuresAllowed = 3;

// A stalled set-up would otherwise keep the node out for ever.
const preparationTimeoutMs = 5000;

export interface WriteOptions {
  /**
   * SQL that begins the transaction, and statements that go with it in the same round trip, without parameters; `run` gets
   * the rows of each as well. Default `START TRANSACTION`.
   */
  start?: string;
  /** Whether the context learns the position of the write, so that its later reads see it. Default true. */
  position?: boolean;
}

/** One PostgreSQL server of a database: its pool, its TypeORM data source and what is known about its state. */
export class DatabaseNode {
  readonly name: string;
  readonly url: string;
  /** What it is until it says itself what it is. */
  readonly configuredRole: 'primary' | 'replica';
  readonly #poolSize: number;
  readonly #maximumWaiting: number;
  readonly #preparedStatements: boolean;
  readonly #pool: Pool;
  readonly #observer: StatementObserver;
  readonly #dataSource: DataSource;
  readonly #monitor: NodeMonitor;
  readonly #reader: Reader;
  readonly #inUse = new Set<PoolClient>();
  #sample: NodeSample | undefined;
  #up = false;
  #known = false;
  #outstanding = 0;
  #failures = 0;
  readonly #onLost: (node: DatabaseNode) => void;

  constructor({ url, role, name, behaviour, idle, onSample, onLost }: NodeOptions) {
    this.name = name;
    this.url = url;
    this.configuredRole = role;
    this.#onLost = onLost;
    this.#preparedStatements = behaviour.preparedStatements;
    this.#maximumWaiting = behaviour.maximumWaiting;
    this.#poolSize = behaviour.poolSize;
    this.#pool = new Pool({
      ...(isTracing() && { Client: TracedClient }),
      connectionString: url,
      max: behaviour.poolSize,
      connectionTimeoutMillis: behaviour.connectTimeoutMs,
      idleTimeoutMillis: 30_000,
      keepAlive: true,
      application_name: 'tenfold',
      // Statements are sent without waiting for the answers to those before.
      pipeline: true,
    } as PoolConfig);
    this.#pool.on('error', () => this.suspect());
    // One that breaks while it is used fails its statements; without a listener it would end the process as well.
    this.#pool.on('connect', (client) => client.on('error', () => {}));
    this.#observer = new StatementObserver(this.#pool, behaviour.name);
    this.#pool.on('acquire', (client) => this.#inUse.add(client));
    this.#pool.on('release', (_, client) => this.#inUse.delete(client));
    const pool = this.#pool;
    this.#dataSource = new DataSource({
      type: 'postgres',
      entities: [...behaviour.entities],
      synchronize: false,
      installExtensions: false,
      logging: false,
      // TypeORM would make its pool within initialize() and lose it when that fails; so it is handed this one.
      driver: {
        Pool: function existingPool() {
          return pool;
        },
      },
    });
    this.#reader = withPlainQuery(this.#dataSource.manager, async (sql, parameters) => (await this.#query((client) => client.query(sql, parameters))).rows);
    this.#monitor = new NodeMonitor({
      url,
      intervalMs: behaviour.sampleIntervalMs,
      idle,
      timeoutMs: behaviour.sampleTimeoutMs,
      prepare: () => this.#initialize(),
      onSample: (sample) => {
        this.#sample = sample;
        this.#up = true;
        this.#known = true;
        onSample(sample, this);
      },
      onFailure: (_, failures) => {
        this.#up = false;
        this.#known = true;
        onLost(this);
        // Work on a node that hangs would wait for as long as it hangs.
        if (failures > 1) this.cutOff();
      },
    });
  }

  /** Whether the last sample was answered. */
  get up(): boolean {
    return this.#up;
  }

  /** Whether any sample has been answered or missed yet. */
  get known(): boolean {
    return this.#known;
  }

  /** The last sample that was answered. */
  get lastSample(): NodeSample | undefined {
    return this.#sample;
  }

  /** Reads and writes under way. */
  get outstanding(): number {
    return this.#outstanding;
  }

  get pool(): { used: number; waiting: number; size: number } {
    return { used: this.#inUse.size, waiting: this.#pool.waitingCount, size: this.#poolSize };
  }

  /** Looks at the node now. Never rejects. */
  sample(): Promise<void> {
    return this.#monitor.sample();
  }

  /** A look that begins from now on. Never rejects. */
  sampleAfresh(): Promise<void> {
    return this.#monitor.sampleAfresh();
  }

  /** A connection broke: finds out at once whether the node is down or it was that connection only. */
  suspect(): void {
    void this.#monitor.sample();
  }

  /** The connection of a read broke. */
  readFailed(): void {
    this.#failures += 1;
    if (this.#failures >= failuresAllowed) this.#onLost(this);
    this.suspect();
  }

  /**
   * Runs reads. A standby refuses writes by itself; elsewhere a read-only transaction does, for two round trips.
   *
   * @throws DatabaseError `pool-exhausted`
   */
  async read<Result>(run: (reader: Reader) => Promise<Result>): Promise<Result> {
    this.#outstanding += 1;
    try {
      this.#refuseWhenFull();
      const result = await this.#read(run);
      this.#failures = 0;
      return result;
    } catch (error) {
      throw this.#translated(error);
    } finally {
      this.#outstanding -= 1;
    }
  }

  #read<Result>(run: (reader: Reader) => Promise<Result>): Promise<Result> {
    if (this.#sample?.inRecovery) return run(this.#reader);
    return inTransaction(this.#dataSource, 'START TRANSACTION READ ONLY', run, async (client) => {
      await client.query('COMMIT');
    });
  }

  /**
   * Runs one statement without TypeORM: a round trip, also in the read-only transaction that keeps it from writing where
   * no standby does.
   *
   * @throws DatabaseError `pool-exhausted`
   */
  async rows<Row, Parameters extends readonly unknown[]>(statement: Statement<Row, Parameters>, parameters: Parameters): Promise<Row[]> {
    this.#outstanding += 1;
    try {
      this.#refuseWhenFull();
      const rows = await (this.#sample?.inRecovery ? this.#run(statement, parameters) : this.#runReadOnly(statement, parameters));
      this.#failures = 0;
      return rows;
    } catch (error) {
      // Its own stack begins at the socket.
      if (error instanceof ServerError) Error.captureStackTrace(error);
      throw this.#translated(error);
    } finally {
      this.#outstanding -= 1;
    }
  }

  #run<Row>(statement: Statement<Row>, parameters: readonly unknown[]): Promise<Row[]> {
    const values = sentValues(parameters);
    const context = this.#observer.admit(statement);
    return new Promise((resolve, reject) => {
      this.#pool.connect((failure, client) => {
        if (!client) return reject(failure);
        this.#observer.run(client, statement, values, this.#preparedStatements, context, (error, rows) => {
          client.release(error !== undefined && isConnectionFailure(error));
          if (error) reject(error);
          else resolve(rows);
        });
      });
    });
  }

  /** As the pool's own query(), but within the context of whoever asks, by which statements are measured and ended in time. */
  async #query<Result>(run: (client: PoolClient) => Promise<Result>): Promise<Result> {
    const client = await this.#pool.connect();
    try {
      const result = await run(client);
      client.release();
      return result;
    } catch (error) {
      client.release(isConnectionFailure(error));
      throw error;
    }
  }

  async #runReadOnly<Row>(statement: Statement<Row>, parameters: readonly unknown[]): Promise<Row[]> {
    const values = sentValues(parameters);
    const context = this.#observer.admit(statement);
    const client = await this.#pool.connect();
    const answer = () =>
      new Promise<Row[]>((resolve, reject) => {
        this.#observer.run(client, statement, values, this.#preparedStatements, context, (error, rows) => (error ? reject(error) : resolve(rows)));
      });
    try {
      // All three are on their way before the first is answered; a transaction that failed is ended by COMMIT as well.
      const [begun, answered, ended] = await Promise.allSettled([client.query('START TRANSACTION READ ONLY'), answer(), client.query('COMMIT')]);
      if (answered.status === 'rejected') throw answered.reason;
      for (const outcome of [begun, ended]) if (outcome.status === 'rejected') throw outcome.reason;
      client.release();
      return answered.value;
    } catch (error) {
      client.release(isConnectionFailure(error));
      throw error;
    }
  }

  /**
   * Runs a transaction.
   *
   * @param onCommit gets the LSN that a replica must have replayed to show it
   * @throws DatabaseError `primary-unavailable`, `outcome-unknown`, `pool-exhausted`
   */
  async write<Result>(
    run: (tx: EntityManager, started: readonly Rows[]) => Promise<Result>,
    onCommit: (lsn: string) => void,
    { start = 'START TRANSACTION', position = true }: WriteOptions = {},
  ): Promise<Result> {
    this.#outstanding += 1;
    try {
      this.#refuseWhenFull();
      return await inTransaction(this.#dataSource, start, run, async (client, tx) => onCommit(await commit(client, { before: statementsBeforeCommit(tx), position })));
    } catch (error) {
      const translated = this.#translated(error);
      if (!isConnectionFailure(translated) && !isReadOnlyRefusal(translated)) throw translated;
      this.suspect();
      throw new DatabaseError('primary-unavailable', 'the primary went away', { cause: error });
    } finally {
      this.#outstanding -= 1;
    }
  }

  async close(): Promise<void> {
    this.#up = false;
    await this.#monitor.close();
    if (this.#dataSource.isInitialized) await this.#dataSource.destroy();
    else await this.#pool.end();
  }

  /** A queue that grows faster than it shrinks makes everybody wait for nothing. */
  #refuseWhenFull(): void {
    if (this.#pool.waitingCount < this.#maximumWaiting) return;
    throw new DatabaseError('pool-exhausted', `all ${this.#poolSize} connections to ${this.name} are in use, and ${this.#pool.waitingCount} wait for one`);
  }

  #translated(error: unknown): unknown {
    if (isOutOfTime(error)) return new DatabaseError('deadline-exceeded', 'the time for it is up', { cause: error });
    // TypeORM wraps whatever a statement fails with.
    if (error instanceof QueryFailedError && error.driverError instanceof BudgetError) return error.driverError;
    // On a node that hangs the pool fills up, too; that is a failure of the node.
    if (!isPoolTimeout(error) || !this.#up || this.#inUse.size < this.#poolSize) return error;
    return new DatabaseError('pool-exhausted', `all ${this.#poolSize} connections to ${this.name} are in use`, {
      cause: error,
    });
  }

  async #initialize(): Promise<void> {
    if (this.#dataSource.isInitialized) return;
    const stalled = setTimeout(() => this.cutOff(), preparationTimeoutMs);
    try {
      // On whatever request's occasion it happens, it is none of its statements.
      await outsideStatementBudget(() => this.#dataSource.initialize());
    } finally {
      clearTimeout(stalled);
    }
  }

  /** Breaks every connection that is in use: what runs on them fails now, and does not go on when a node that hangs wakes up. */
  cutOff(): void {
    // end() would wait for the answers to what was sent.
    for (const client of this.#inUse) (client as PoolClient & { connection: { stream: Socket } }).connection.stream.destroy();
  }
}
