import { bucketCount, bucketOf, contiguousBucketMap } from './bucket.ts';
import { Database } from './database.ts';
import type { ShardedDatabaseOptions } from './database.options.ts';

/** One logical database split by key over several; there are no transactions across shards. */
export class ShardedDatabase {
  readonly name: string;
  /** Every shard, for work that asks all of them. */
  readonly all: readonly Database[];
  readonly #bucketMap: readonly number[];

  /** @throws RangeError when the bucket map is not 1024 numbers of shards */
  constructor({ shards, bucketMap = contiguousBucketMap(shards.length), ...behaviour }: ShardedDatabaseOptions) {
    if (bucketMap.length !== bucketCount || !bucketMap.every((shard) => shard in shards)) {
      throw new RangeError(`the bucket map needs ${bucketCount} numbers of shards below ${shards.length}`);
    }
    this.name = behaviour.name;
    this.all = shards.map((nodes, shard) => new Database({ ...behaviour, ...nodes, name: `${behaviour.name}-${shard}` }));
    this.#bucketMap = bucketMap;
  }

  /** The shard that holds the key, always the same one, e.g. `sharded.of(accountId)`. */
  of(key: string): Database {
    const shard = this.all[this.#bucketMap[bucketOf(key)] ?? 0];
    if (!shard) throw new RangeError('no shard for this key');
    return shard;
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((shard) => shard.close()));
  }
}
