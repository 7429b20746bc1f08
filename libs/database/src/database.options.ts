import type { EntitySchema } from 'typeorm';

/** Where the nodes of one database are. */
export interface DatabaseNodes {
  /** PostgreSQL URL of the node that is the primary at first; the nodes themselves say which one is. */
  primaryUrl: string;
  /** URLs of its streaming replicas, any of which may be promoted; none means that the primary serves all reads. */
  replicaUrls: readonly string[];
}

export interface DatabaseBehaviour {
  /** Name in metrics and under which a context keeps its position; unique in the whole system. */
  name: string;
  /** TypeORM entities of this database. */
  entities: readonly (Function | EntitySchema)[];
  /** Connections to each node, besides the one that watches it. Default 10. Raise it when `database_pool_waiting` is above 0. */
  poolSize?: number;
  /** Reads and writes that may wait for a connection to one node; further ones are refused at once. Default four times `poolSize`: what a pool gets through in a few statements' time. */
  maximumWaiting?: number;
  /** Milliseconds a read or write waits for a connection before it fails. Default 1000. */
  connectTimeoutMs?: number;
  /** Milliseconds of lag from which a replica gets no reads. Default 5000. Lower it where stale lists hurt. */
  maximumLagMs?: number;
  /** Bytes of log from which a replica gets no reads. Default 64 MiB; a replica that is so far behind competes with reads for its disk. */
  maximumLagBytes?: number;
  /**
   * Milliseconds that a read of what was just written waits for a replica to have it, before it goes to the primary.
   * Default 20: replicas have a write after a few. 0 sends such reads to the primary until the next regular look.
   */
  catchUpMs?: number;
  /**
   * Whether a read, too, raises the position of the context, so that no later read shows less than an earlier one, from
   * whichever replica. Default false. It costs a look at the node after each read, shared by all reads that end
   * meanwhile; set it where a client compares two answers, such as a history.
   */
  monotonicReads?: boolean;
  /**
   * Whether the server keeps the statements of `rows` planned. Default false. Set it where connections reach PostgreSQL
   * itself, or PgBouncer 1.21 and newer with `max_prepared_statements`; earlier ones lose them between transactions.
   */
  preparedStatements?: boolean;
  /** Milliseconds between two looks at a node, while somebody reads. Default 250: how soon a caught-up replica takes reads of what was just written. */
  sampleIntervalMs?: number;
  /** Milliseconds after which a node that does not answer a sample gets no more work; after a second one its connections are cut. Default 500. */
  sampleTimeoutMs?: number;
  /** Whether the service is ready only while this database serves reads. Default false: set it where nothing works without. */
  requiredForReadiness?: boolean;
}

export interface DatabaseOptions extends DatabaseNodes, DatabaseBehaviour {}

export interface ShardedDatabaseOptions extends DatabaseBehaviour {
  /** Nodes of each shard, in an order that never changes. Shard `n` is the database `<name>-<n>`. */
  shards: readonly DatabaseNodes[];
  /**
   * Bucket → shard number, 1024 entries. Default: contiguous ranges of equal size. Give one to move buckets one by one
   * when shards are added.
   */
  bucketMap?: readonly number[];
  /**
   * Whether buckets may be moved while the service runs. Default false. It costs a round trip a write, and needs the
   * migration `CreateMovedBuckets`; `of` must not be used then.
   */
  movable?: boolean;
}

/** {@link DatabaseBehaviour} with its defaults. */
export type ResolvedBehaviour = Required<DatabaseBehaviour>;

export function withDefaults(options: DatabaseBehaviour): ResolvedBehaviour {
  return {
    name: options.name,
    entities: options.entities,
    poolSize: options.poolSize ?? 10,
    maximumWaiting: options.maximumWaiting ?? 4 * (options.poolSize ?? 10),
    connectTimeoutMs: options.connectTimeoutMs ?? 1000,
    maximumLagMs: options.maximumLagMs ?? 5000,
    maximumLagBytes: options.maximumLagBytes ?? 64 * 1024 * 1024,
    catchUpMs: options.catchUpMs ?? 20,
    monotonicReads: options.monotonicReads ?? false,
    preparedStatements: options.preparedStatements ?? false,
    sampleIntervalMs: options.sampleIntervalMs ?? 250,
    sampleTimeoutMs: options.sampleTimeoutMs ?? 500,
    requiredForReadiness: options.requiredForReadiness ?? false,
  };
}
