import { compareLsn, currentContext, raisePosition } from '@tenfold/telemetry';
import type { EntityManager } from 'typeorm';
import { runAfterCommit } from './after-commit.ts';
import { DatabaseError, isConnectionFailure, isRecoveryConflict } from './database.error.ts';
import { durations, observe, outcomeOf, readRetries, reads, transactions } from './database.metrics.ts';
import { DatabaseNode } from './database.node.ts';
import { withDefaults } from './database.options.ts';
import type { DatabaseOptions } from './database.options.ts';
import type { NodeSample } from './node.monitor.ts';

// 60 s at the default interval: far beyond any lag limit.
const rememberedPositions = 240;

// How often replicas are looked at, one sample interval apart, before a read is refused while the primary is down.
const lastLooks = 3;

/**
 * A primary and its replicas. Needs none of them to be up when it is made, and connects in the background.
 *
 * Terminology
 * - Position: an LSN. A context's position is what its reads must see: that of its own last write.
 * - Lag: how long ago the primary was where the replica is now, by this process's clock, so that neither an idle
 *   primary nor clocks that differ count as lag.
 */
export class Database {
  readonly name: string;
  readonly primary: DatabaseNode;
  readonly replicas: readonly DatabaseNode[];
  readonly nodes: readonly DatabaseNode[];
  readonly #maximumLagMs: number;
  readonly #sampleIntervalMs: number;
  readonly #primaryPositions: { at: number; position: string }[] = [];
  /** When the primary was first seen beyond where the replica is; absent for a replica that has all. */
  readonly #behindSince = new Map<DatabaseNode, number>();
  readonly #stopObserving: () => void;
  readonly #readDuration;
  readonly #writeDuration;
  readonly #reads;
  #turn = 0;

  constructor(options: DatabaseOptions) {
    const behaviour = withDefaults(options);
    this.name = behaviour.name;
    this.#maximumLagMs = behaviour.maximumLagMs;
    this.#sampleIntervalMs = behaviour.sampleIntervalMs;
    this.primary = new DatabaseNode({
      url: options.primaryUrl,
      role: 'primary',
      name: 'primary',
      behaviour,
      onSample: (sample) => this.#remember(sample),
    });
    this.replicas = options.replicaUrls.map(
      (url, index) =>
        new DatabaseNode({
          url,
          role: 'replica',
          name: `replica-${index + 1}`,
          behaviour,
          onSample: (sample, node) => this.#compare(sample, node),
        }),
    );
    this.nodes = [this.primary, ...this.replicas];
    this.#readDuration = durations.labels({ database: this.name, operation: 'read' });
    this.#writeDuration = durations.labels({ database: this.name, operation: 'write' });
    this.#reads = {
      primary: reads.labels({ database: this.name, node_role: 'primary' }),
      replica: reads.labels({ database: this.name, node_role: 'replica' }),
    };
    this.#stopObserving = observe(this);
    for (const node of this.nodes) void node.sample();
  }

  /**
   * Reads from a replica that is up, within the lag limit and at or past the context's position; else from the primary.
   * A read whose connection fails is run a second time on another node, so `run` must have no effect of its own.
   * A statement that writes is refused by the server.
   *
   * @param run all its statements go to the one node
   * @throws DatabaseError `no-node-available`, `pool-exhausted`
   */
  async read<Result>(run: (manager: EntityManager) => Promise<Result>): Promise<Result> {
    const stop = this.#readDuration.startTimer();
    const position = currentContext()?.positions.get(this.name);
    try {
      const node = this.#choose(position) ?? (await this.#waitForNode(position));
      try {
        return await this.#readFrom(node, run);
      } catch (error) {
        const lost = isConnectionFailure(error);
        if (!lost && !(node.role === 'replica' && isRecoveryConflict(error))) throw error;
        if (lost) node.suspect();
        readRetries.inc({ database: this.name });
        const other = this.#choose(position, node) ?? (await this.#waitForNode(position, error));
        return await this.#readFrom(other, run);
      }
    } catch (error) {
      if (!isConnectionFailure(error)) throw error;
      throw new DatabaseError('no-node-available', `${this.name}: no node to read from`, { cause: error });
    } finally {
      stop();
    }
  }

  /**
   * Runs a transaction on the primary. Its position goes to the context, so that later reads see it.
   *
   * @throws DatabaseError `primary-unavailable` at once while the primary is known to be down, `outcome-unknown`,
   *   `pool-exhausted`
   */
  async write<Result>(run: (tx: EntityManager) => Promise<Result>): Promise<Result> {
    const stop = this.#writeDuration.startTimer();
    let outcome = 'committed';
    try {
      if (!this.primary.known) await this.primary.sample();
      if (!this.primary.up || this.primary.lastSample?.inRecovery) {
        const state = this.primary.up ? 'in recovery' : 'down';
        throw new DatabaseError('primary-unavailable', `${this.name}: the primary is ${state}`);
      }
      let transaction: EntityManager | undefined;
      const result = await this.primary.write(
        (tx) => {
          transaction = tx;
          return run(tx);
        },
        (lsn) => {
          const context = currentContext();
          if (context) raisePosition(context.positions, this.name, lsn);
        },
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
    const since = this.#behindSince.get(node);
    return since === undefined ? 0 : Date.now() - since;
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

  async #readFrom<Result>(node: DatabaseNode, run: (manager: EntityManager) => Promise<Result>): Promise<Result> {
    const result = await node.read(run);
    this.#reads[node.role].inc();
    return result;
  }

  /** By least outstanding work, in turn where that is equal. */
  #choose(position: string | undefined, except?: DatabaseNode): DatabaseNode | undefined {
    let chosen: DatabaseNode | undefined;
    this.#turn = (this.#turn + 1) % Math.max(1, this.replicas.length);
    for (let index = 0; index < this.replicas.length; index += 1) {
      const replica = this.replicas[(this.#turn + index) % this.replicas.length];
      if (!replica || replica === except || !canShow(replica, position)) continue;
      if (this.lagMs(replica) > this.#maximumLagMs) continue;
      if (!chosen || replica.outstanding < chosen.outstanding) chosen = replica;
    }
    if (chosen) return chosen;
    return this.primary.up && this.primary !== except ? this.primary : undefined;
  }

  /** For boot, and for when the primary is down: then a replica's lag matters no more, only the context's position. */
  async #waitForNode(position: string | undefined, cause?: unknown): Promise<DatabaseNode> {
    for (let look = 1; look <= lastLooks; look += 1) {
      await this.#sampleAll();
      const node = this.#choose(position) ?? this.replicas.find((replica) => canShow(replica, position));
      if (node) return node;
      // Only a replica that is up can still reach the position.
      if (!this.replicas.some((replica) => replica.up)) break;
      await new Promise((resolve) => setTimeout(resolve, this.#sampleIntervalMs));
    }
    const reason = position ? `no node that is up has reached ${position}` : 'no node is up';
    throw new DatabaseError('no-node-available', `${this.name}: ${reason}`, { cause });
  }

  async #sampleAll(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.sample()));
  }

  #remember(sample: NodeSample): void {
    if (sample.inRecovery || this.#primaryPositions.at(-1)?.position === sample.position) return;
    this.#primaryPositions.push({ at: sample.at, position: sample.position });
    if (this.#primaryPositions.length > rememberedPositions) this.#primaryPositions.shift();
  }

  #compare({ position }: NodeSample, replica: DatabaseNode): void {
    let behindSince: number | undefined;
    for (let index = this.#primaryPositions.length - 1; index >= 0; index -= 1) {
      const known = this.#primaryPositions[index];
      if (!known || compareLsn(known.position, position) <= 0) break;
      behindSince = known.at;
    }
    if (behindSince === undefined) this.#behindSince.delete(replica);
    else this.#behindSince.set(replica, behindSince);
  }
}

/** Whether the node is a standby that shows everything up to the position. */
function canShow(replica: DatabaseNode, position: string | undefined): boolean {
  const sample = replica.lastSample;
  if (!replica.up || !sample?.inRecovery) return false;
  return position === undefined || compareLsn(sample.position, position) >= 0;
}
