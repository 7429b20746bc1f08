import { allOf } from './all-of.ts';
import { bucketCount, bucketOf, contiguousBucketMap } from './bucket.ts';
import type { EntityManager } from 'typeorm';
import { BucketMoves } from './bucket.moves.ts';
import { Database } from './database.ts';
import type { Reader } from './reader.ts';
import type { ShardedDatabaseOptions } from './database.options.ts';

/** One logical database split by key over several; there are no transactions across shards. */
export class ShardedDatabase {
  readonly name: string;
  /** Every shard, for work that asks all of them. */
  readonly all: readonly Database[];
  readonly #bucketMap: readonly number[];
  readonly #moves: BucketMoves | undefined;

  /** @throws RangeError when the bucket map is not 1024 numbers of shards */
  constructor({ shards, bucketMap = contiguousBucketMap(shards.length), movable = false, ...behaviour }: ShardedDatabaseOptions) {
    if (bucketMap.length !== bucketCount || !bucketMap.every((shard) => shard in shards)) {
      throw new RangeError(`the bucket map needs ${bucketCount} numbers of shards below ${shards.length}`);
    }
    this.name = behaviour.name;
    this.all = shards.map((nodes, shard) => new Database({ ...behaviour, ...nodes, name: `${behaviour.name}-${shard}` }));
    this.#bucketMap = bucketMap;
    this.#moves = movable ? new BucketMoves(this.all) : undefined;
  }

  /** Reads where the key is now; see {@link Database.read}. */
  async read<Result>(key: string, run: (reader: Reader) => Promise<Result>, options?: { prefer: 'primary' }): Promise<Result> {
    const bucket = bucketOf(key);
    const home = this.#homeOf(bucket);
    const shard = this.#moves ? await this.#moves.shardOf(bucket, home) : home;
    return this.#shard(shard).read(run, options);
  }

  /**
   * Reads from every shard and merges what they give, for a list of all keys. A row that two shards give is one: its bucket
   * has just moved. A page of a keyset list is the first rows of the merge, when each shard gives its own first so many.
   *
   * @param run gives the rows of a shard in the order of `compare`
   * @param compare 0 for the same row alone
   */
  async readAll<Row>(run: (reader: Reader) => Promise<Row[]>, compare: (one: Row, other: Row) => number): Promise<Row[]> {
    const rows = (await Promise.all(this.all.map((shard) => shard.read(run)))).flat().sort(compare);
    return rows.filter((row, index) => {
      const before = rows[index - 1];
      return before === undefined || compare(before, row) !== 0;
    });
  }

  /** Writes where the key is now, and waits for a bucket that is being moved; see {@link Database.write}. */
  write<Result>(key: string, run: (tx: EntityManager) => Promise<Result>): Promise<Result> {
    const bucket = bucketOf(key);
    const home = this.#homeOf(bucket);
    return this.#moves ? this.#moves.write(bucket, home, run) : this.#shard(home).write(run);
  }

  /**
   * Writes for many keys, by one transaction in each shard that has some of them. There is none across shards: when one
   * fails, the others stay.
   *
   * @param run gets the items of one shard
   * @returns what each transaction gave
   * @throws what the first that failed threw, when all have ended
   */
  async writeAll<Item, Result>(items: readonly Item[], keyOf: (item: Item) => string, run: (tx: EntityManager, items: readonly Item[]) => Promise<Result>): Promise<Result[]> {
    const placed = items.map((item) => {
      const bucket = bucketOf(keyOf(item));
      return { item, bucket, home: this.#homeOf(bucket) };
    });
    const runGroup = (tx: EntityManager, group: readonly (typeof placed)[number][]) => run(tx, group.map(({ item }) => item));
    if (this.#moves) return this.#moves.writeAll(placed, runGroup);
    const groups = Map.groupBy(placed, ({ home }) => home);
    return allOf([...groups].map(([home, group]) => this.#shard(home).write((tx) => runGroup(tx, group))));
  }

  /** The shard that the bucket map names for the key: where it is as long as no bucket is moved. */
  of(key: string): Database {
    return this.#shard(this.#homeOf(bucketOf(key)));
  }

  async close(): Promise<void> {
    this.#moves?.close();
    await Promise.all(this.all.map((shard) => shard.close()));
  }

  #homeOf(bucket: number): number {
    return this.#bucketMap[bucket] ?? 0;
  }

  #shard(number: number): Database {
    const shard = this.all[number];
    if (!shard) throw new RangeError(`there is no shard ${number}`);
    return shard;
  }
}
