import { setTimeout as sleep } from 'node:timers/promises';
import { outsideStatementBudget } from '@tenfold/telemetry';
import type { EntityManager, MigrationInterface, QueryRunner } from 'typeorm';
import { allOf } from './all-of.ts';
import { bucketLock, knownAfterMs } from './bucket.move.ts';
import { DatabaseError } from './database.error.ts';
import type { Database } from './database.ts';

const refreshMs = knownAfterMs / 2;
/** How long a write waits for the bucket that it belongs to, while that moves. */
const patienceMs = 8000;

interface Move {
  bucket: number;
  toShard: number;
  state: 'moving' | 'moved';
}

/** What belongs to a bucket. */
export interface Placed {
  bucket: number;
  /** The shard that the bucket map names. */
  home: number;
}

/** The tables that say, in each shard, which of its buckets are elsewhere. Put into the migrations of a sharded database. */
export class CreateMovedBuckets1763000000100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table moved_buckets (
        bucket int primary key check (bucket between 0 and 1023),
        to_shard int not null,
        state text not null check (state in ('moving', 'moved'))
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table moved_buckets');
  }
}

/**
 * Where a bucket is: in the shard that the bucket map names, unless that shard says that it has moved on, and so forth.
 *
 * What each shard says is read every second. That a bucket moves is known everywhere before its place changes
 * (`moveBucket` waits for it); while it moves, every read asks first, and every write waits.
 */
export class BucketMoves {
  readonly #shards: readonly Database[];
  readonly #moves: Map<number, Move>[];
  #timer: NodeJS.Timeout | undefined;
  #refreshed: Promise<void>;
  #closed = false;

  constructor(shards: readonly Database[]) {
    this.#shards = shards;
    this.#moves = shards.map(() => new Map());
    this.#refreshed = this.#refresh();
  }

  /** @param home the shard that the bucket map names */
  async shardOf(bucket: number, home: number): Promise<number> {
    await this.#refreshed;
    const known = await this.#follow(bucket, home, (shard) => this.#moves[shard]?.get(bucket));
    // A bucket that has moved back looks like a circle until both shards have been read anew.
    const found = known ?? (await this.#follow(bucket, home, (shard) => this.#ask(shard, bucket)));
    if (found === undefined) throw new RangeError(`bucket ${bucket} has moved in a circle`);
    return found;
  }

  /** @returns undefined when the way comes back to a shard where it has been */
  async #follow(bucket: number, home: number, moveOf: (shard: number) => Move | undefined | Promise<Move | undefined>): Promise<number | undefined> {
    const visited = new Set<number>();
    for (let shard = home; !visited.has(shard); ) {
      visited.add(shard);
      let move = await moveOf(shard);
      if (move?.state === 'moving') move = await this.#ask(shard, bucket);
      if (move?.state !== 'moved') return shard;
      shard = move.toShard;
    }
    return undefined;
  }

  /** Runs a write where the bucket is, and keeps it there meanwhile. @throws DatabaseError `primary-unavailable` when it moves for too long */
  async write<Result>(bucket: number, home: number, run: (tx: EntityManager) => Promise<Result>): Promise<Result> {
    const [result] = await this.writeAll([{ bucket, home }], run);
    return result as Result;
  }

  /**
   * The same for what belongs to many buckets: one transaction in each shard, with all that is there.
   *
   * @returns what each transaction gave
   * @throws what the first that failed threw, when all have ended; the others stay
   */
  async writeAll<Item extends Placed, Result>(
    items: readonly Item[],
    run: (tx: EntityManager, items: readonly Item[]) => Promise<Result>,
    deadline = Date.now() + patienceMs,
  ): Promise<Result[]> {
    const located = await Promise.all(items.map(async (item) => ({ item, shard: await this.shardOf(item.bucket, item.home) })));
    const groups = Map.groupBy(located, ({ shard }) => shard);
    return (await allOf([...groups].map(([shard, group]) => this.#writeIn(shard, group.map(({ item }) => item), run, deadline)))).flat();
  }

  async #writeIn<Item extends Placed, Result>(
    shard: number,
    items: readonly Item[],
    run: (tx: EntityManager, items: readonly Item[]) => Promise<Result>,
    deadline: number,
  ): Promise<Result[]> {
    const buckets = [...new Set(items.map(({ bucket }) => bucket))];
    const done = await this.#databaseOf(shard).write(
      async (tx, [, , moves]) => (moves && moves.length > 0 ? { moves: moves as unknown as readonly Move[] } : { result: await run(tx, items) }),
      { start: startIn(buckets) },
    );
    if (!done.moves) return [done.result];
    for (const move of done.moves) this.#moves[shard]?.set(move.bucket, move);
    if (Date.now() > deadline) throw new DatabaseError('primary-unavailable', `bucket ${done.moves[0]?.bucket} is being moved`);
    if (done.moves.some(({ state }) => state === 'moving')) await sleep(50);
    return this.writeAll(items, run, deadline);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #ask(shard: number, bucket: number): Promise<Move | undefined> {
    const [move] = await outsideStatementBudget(() => this.#databaseOf(shard).read((reader) => reader.query<Move[]>(moveSql, [bucket]), { prefer: 'primary' }));
    if (move) this.#moves[shard]?.set(bucket, move);
    else this.#moves[shard]?.delete(bucket);
    return move;
  }

  async #refresh(): Promise<void> {
    await Promise.all(
      this.#shards.map(async (database, shard) => {
        // A shard whose primary is down moves nothing: what was known of it stays true.
        const moves = await database.read((reader) => reader.query<Move[]>(movesSql), { prefer: 'primary' }).catch(() => undefined);
        if (moves) this.#moves[shard] = new Map(moves.map((move) => [move.bucket, move]));
      }),
    );
    if (!this.#closed) this.#timer = setTimeout(() => void this.#refresh(), refreshMs).unref();
  }

  #databaseOf(shard: number): Database {
    const database = this.#shards[shard];
    if (!database) throw new RangeError(`there is no shard ${shard}`);
    return database;
  }
}

const movesSql = 'select bucket, to_shard as "toShard", state from moved_buckets';
const moveSql = `${movesSql} where bucket = $1`;

/** Keeps buckets where they are; the last statement sees what was committed while the one before waited for the locks. */
function startIn(buckets: readonly number[]): string {
  const locks = buckets.map((bucket) => `pg_advisory_xact_lock_shared(${bucketLock}, ${bucket})`);
  return `START TRANSACTION; select ${locks.join(', ')}; ${movesSql} where bucket in (${buckets.join(', ')})`;
}
