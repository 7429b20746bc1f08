import { setTimeout as sleep } from 'node:timers/promises';
import { currentContext, currentSpan, inSpan, outsideStatementBudget, raisePosition, startSpan } from '@tenfold/telemetry';
import type { Span } from '@tenfold/telemetry';
import type { EntityManager } from 'typeorm';
import { runAfterCommit } from './after-commit.ts';
import { DatabaseError, isConnectionFailure, isRecoveryConflict } from './database.error.ts';
import { durations, observe, outcomeOf, promotions, readRetries, reads, transactions } from './database.metrics.ts';
import { DatabaseNode } from './database.node.ts';
import type { WriteOptions } from './database.node.ts';
import { withDefaults } from './database.options.ts';
import type { DatabaseOptions, ResolvedBehaviour } from './database.options.ts';
import { logPosition } from './log-position.ts';
import { refuseWithinRead, runReading } from './read-only.scope.ts';
import type { Rows } from './node.transaction.ts';
import type { Reader } from './reader.ts';
import type { Statement } from './statement.ts';
import { Topology } from './topology.ts';

// How often replicas are looked at, one sample interval apart, before a read is refused while the primary is down.
const lastLooks = 3;

// So long after the last read the nodes are looked at less often.
const idleAfterMs = 2000;

/**
 * A primary and its replicas. Needs none of them to be up when it is made, and connects in the background.
 *
 * A context's position is what its reads must see: that of its own last write. How nodes are told apart, and which one
 * a read takes, is in {@link Topology}.
 */
export class Database {
  readonly name: string;
  /** As configured: the primary of that time, then its replicas. */
  readonly nodes: readonly DatabaseNode[];
  readonly #behaviour: ResolvedBehaviour;
  readonly #topology: Topology;
  readonly #stopObserving: () => void;
  readonly #readDuration;
  readonly #writeDuration;
  readonly #reads;
  #lastReadAt = Date.now();

  constructor(options: DatabaseOptions) {
    const behaviour = withDefaults(options);
    this.#behaviour = behaviour;
    this.name = behaviour.name;
    const node = (url: string, role: 'primary' | 'replica', name: string) =>
      new DatabaseNode({
        url,
        role,
        name,
        behaviour,
        idle: () => this.#isIdle(),
        onSample: (sample, answering) => this.#topology.answered(answering, sample),
        onLost: (lost) => this.#topology.lost(lost),
      });
    this.nodes = [
      node(options.primaryUrl, 'primary', 'primary'),
      ...options.replicaUrls.map((url, index) => node(url, 'replica', `replica-${index + 1}`)),
    ];
    this.#topology = new Topology(this.nodes, behaviour, (former) => {
      promotions.inc({ database: this.name });
      former.cutOff();
    });
    this.#readDuration = durations.labels({ database: this.name, operation: 'read' });
    this.#writeDuration = durations.labels({ database: this.name, operation: 'write' });
    this.#reads = {
      primary: reads.labels({ database: this.name, node_role: 'primary' }),
      replica: reads.labels({ database: this.name, node_role: 'replica' }),
      asked: reads.labels({ database: this.name, node_role: 'asked-primary' }),
    };
    this.#stopObserving = observe(this);
    for (const node of this.nodes) void node.sample();
  }

  /** The node that takes writes; undefined while none is known to. */
  get primary(): DatabaseNode | undefined {
    return this.#topology.primary;
  }

  /**
   * Reads from a replica that is up, within the limits of lag and at or past the context's position; else from the
   * primary. A read whose connection fails is run a second time on another node, so `run` must have no effect of its
   * own. A statement that writes is refused by the server.
   *
   * @param run all its statements go to the one node
   * @param options.prefer `primary`: for what was written by somebody whose position is not known here; replicas answer
   *   only while the primary is down
   * @throws DatabaseError `no-node-available`, `pool-exhausted`
   */
  read<Result>(run: (reader: Reader) => Promise<Result>, options?: { prefer: 'primary' }): Promise<Result> {
    return this.#read((node) => runReading(this.name, () => node.read(run)), options?.prefer);
  }

  /** Like {@link read}, for a hot read of one statement, without what TypeORM costs. */
  rows<Row, Parameters extends readonly unknown[]>(statement: Statement<Row, Parameters>, parameters: Parameters): Promise<Row[]> {
    return this.#read((node) => node.rows(statement, parameters));
  }

  /**
   * The address of the node that a read would take now, for whoever reads over a connection of its own, such as a worker
   * thread: there, nobody else's work waits for the rows to be parsed.
   *
   * @throws DatabaseError `no-node-available`
   */
  urlForReading(): Promise<string> {
    return this.#read((node) => Promise.resolve(node.url));
  }

  /**
   * Runs a transaction on the primary. Its position goes to the context, so that later reads see it.
   *
   * @param options what it begins with, and whether anybody in its context reads after it
   * @throws DatabaseError `primary-unavailable` at once while no primary is known, `outcome-unknown`,
   *   `pool-exhausted`, `write-within-read`
   */
  write<Result>(run: (tx: EntityManager, started: readonly Rows[]) => Promise<Result>, options?: WriteOptions): Promise<Result> {
    return inSpan(this.#startSpan('write'), () => this.#write(run, options));
  }

  async #write<Result>(run: (tx: EntityManager, started: readonly Rows[]) => Promise<Result>, options?: WriteOptions): Promise<Result> {
    refuseWithinRead(this.name);
    const stop = this.#writeDuration.startTimer();
    let outcome = 'committed';
    try {
      if (!this.#topology.known) await this.#sampleAll();
      const { primary } = this;
      if (!primary) throw new DatabaseError('primary-unavailable', `${this.name}: no primary is up`);
      let transaction: EntityManager | undefined;
      const result = await primary.write(
        (tx, started) => {
          transaction = tx;
          return run(tx, started);
        },
        (lsn) => this.#raise(lsn),
        options,
      );
      if (transaction) runAfterCommit(transaction, this);
      return result;
    } catch (error) {
      outcome = outcomeOf(error);
      throw error;
    } finally {
      stop();
      transactions.inc({ database: this.name, outcome });
    }
  }

  /** Milliseconds since the primary was where the node is now; 0 for one that has all, and for the primary. */
  lagMs(node: DatabaseNode): number {
    return this.#topology.lagMs(node);
  }

  /** Bytes of log that the node has yet to replay, as of the last look. */
  lagBytes(node: DatabaseNode): number {
    return this.#topology.lagBytes(node);
  }

  /** What the node is now: `fenced` is one that takes writes but is not the primary. */
  roleOf(node: DatabaseNode): 'primary' | 'replica' | 'fenced' {
    return this.#topology.roleOf(node);
  }

  /** Whether reads can be served, for health. @throws DatabaseError `no-node-available` */
  async checkReadable(): Promise<void> {
    if (this.nodes.some((node) => node.up)) return;
    if (!this.nodes.some((node) => node.known)) await this.#sampleAll();
    if (!this.nodes.some((node) => node.up)) throw new DatabaseError('no-node-available', `${this.name}: no node is up`);
  }

  /** Ends what is under way and closes all connections. */
  async close(): Promise<void> {
    this.#stopObserving();
    await Promise.all(this.nodes.map((node) => node.close()));
  }

  #startSpan(operation: 'read' | 'write'): Span | undefined {
    return startSpan(`database ${operation}`)?.set('db.namespace', this.name);
  }

  #read<Result>(run: (node: DatabaseNode) => Promise<Result>, prefer?: 'primary'): Promise<Result> {
    const span = this.#startSpan('read');
    return span ? inSpan(span, () => this.#readOrRetry(run, prefer)) : this.#readOrRetry(run, prefer);
  }

  async #readOrRetry<Result>(run: (node: DatabaseNode) => Promise<Result>, prefer?: 'primary'): Promise<Result> {
    const startedAt = performance.now();
    const lsn = currentContext()?.positions.get(this.name);
    const position = lsn === undefined ? undefined : logPosition(lsn);
    this.#noteRead();
    try {
      const chosen = (prefer && this.primary) ?? this.#nodeFor(position);
      // To wait for what is there already costs a turn.
      const node = chosen instanceof Promise ? await chosen : chosen;
      try {
        return await this.#readFrom(node, run, prefer);
      } catch (error) {
        const lost = isConnectionFailure(error);
        if (!lost && !(node !== this.primary && isRecoveryConflict(error))) throw error;
        if (lost) node.readFailed();
        readRetries.inc({ database: this.name });
        const other = this.#topology.choose(position, node) ?? (await this.#waitForNode(position, error));
        return await outsideStatementBudget(() => this.#readFrom(other, run, prefer));
      }
    } catch (error) {
      if (!isConnectionFailure(error)) throw error;
      throw new DatabaseError('no-node-available', `${this.name}: no node to read from`, { cause: error });
    } finally {
      this.#readDuration.observe((performance.now() - startedAt) / 1000);
    }
  }

  /** The first read after a pause is the occasion to look again as often as before. */
  #noteRead(): void {
    const now = Date.now();
    const wasIdle = this.#isIdle(now);
    this.#lastReadAt = now;
    if (wasIdle) void this.#sampleAll();
  }

  #isIdle(now = Date.now()): boolean {
    return now - this.#lastReadAt > idleAfterMs;
  }

  async #readFrom<Result>(node: DatabaseNode, run: (node: DatabaseNode) => Promise<Result>, prefer: 'primary' | undefined): Promise<Result> {
    currentSpan()?.set('db.node', node.name);
    const result = await run(node);
    this.#reads[!this.#topology.isPrimary(node) ? 'replica' : prefer ? 'asked' : 'primary'].inc();
    if (this.#behaviour.monotonicReads) await this.#raiseTo(node);
    return result;
  }

  /** What a node shows at a look that begins after a read, is at least what the read has seen; so is the primary's. */
  async #raiseTo(node: DatabaseNode): Promise<void> {
    if (!currentContext()) return;
    await node.sampleAfresh();
    if (!node.up) await this.primary?.sampleAfresh();
    const sample = (node.up ? node : this.primary)?.lastSample;
    if (sample) this.#raise(sample.position);
  }

  #raise(lsn: string): void {
    const context = currentContext();
    if (context) raisePosition(context.positions, this.name, lsn);
  }

  /** The node, chosen and checked in one step. Async only for a read of what no replica is known to have yet. */
  #nodeFor(position: number | undefined): DatabaseNode | Promise<DatabaseNode> {
    const node = this.#topology.choose(position);
    if (!node) return this.#waitForNode(position);
    if (position === undefined || !this.#topology.isPrimary(node) || this.#behaviour.catchUpMs === 0) return node;
    return this.#waitForReplica(position, node);
  }

  /** Looks at the replicas that are hardly behind until one has reached the position, or the time is up. */
  async #waitForReplica(position: number, primary: DatabaseNode): Promise<DatabaseNode> {
    const deadline = Date.now() + this.#behaviour.catchUpMs;
    for (let pause = 1; ; pause *= 2) {
      const candidates = this.#topology.catchingUp();
      if (candidates.length === 0) return primary;
      // One that hangs must not hold the others up.
      await Promise.race([...candidates.map((node) => node.sampleAfresh()), sleep(Math.max(1, deadline - Date.now()), undefined, { ref: false })]);
      const node = this.#topology.choose(position) ?? primary;
      if (node !== primary || Date.now() + pause > deadline) return node;
      await sleep(pause);
    }
  }

  /** For boot, and for when the primary is down: then a replica's lag matters no more, only the context's position. */
  async #waitForNode(position: number | undefined, cause?: unknown): Promise<DatabaseNode> {
    for (let look = 1; look <= lastLooks; look += 1) {
      await this.#sampleAll();
      const node = this.#topology.choose(position) ?? this.#topology.chooseAnyReplica(position);
      if (node) return node;
      // Only a replica that is up can still reach the position.
      if (!this.nodes.some((node) => node.up && node !== this.primary)) break;
      await sleep(this.#behaviour.sampleIntervalMs);
    }
    const reason = position === undefined ? 'no node is up' : 'no node that is up has reached what was written before';
    throw new DatabaseError('no-node-available', `${this.name}: ${reason}`, { cause });
  }

  async #sampleAll(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.sample()));
  }
}
