import { Injectable } from '@nestjs/common';
import { ShardedDatabase } from '@tenfold/database';
import type { Database } from '@tenfold/database';

interface MissingMonth {
  name: string;
  begin: string;
  end: string;
}

@Injectable()
export class PartitionRepository {
  constructor(private readonly sharded: ShardedDatabase) {}

  /**
   * Makes the monthly partitions from this month to `monthsAhead` later, on every shard.
   *
   * @returns those made now, as `<shard>.<partition>`
   * @throws QueryFailedError when a table stayed locked for 2 s, or the default partition already holds rows of such a
   *   month; the other shards are done nevertheless
   */
  async ensure(monthsAhead: number): Promise<string[]> {
    const created = await Promise.all(this.sharded.all.map((shard) => ensureIn(shard, monthsAhead)));
    return created.flat();
  }
}

async function ensureIn(shard: Database, monthsAhead: number): Promise<string[]> {
  return shard.write(async (tx) => {
    // Checkouts queue behind a lock that is waited for, so it is waited for briefly.
    await tx.query(`set local lock_timeout = '2s'`);
    await tx.query(`select pg_advisory_xact_lock(hashtext('orders partitions'))`);
    const missing = await tx.query<MissingMonth[]>(missingSql, [monthsAhead]);
    for (const { name, begin, end } of missing) {
      // Attaching a table made apart locks the default partition alone; PARTITION OF would lock them all.
      await tx.query(`create table ${name} (like orders including all)`);
      await tx.query(`alter table orders attach partition ${name} for values from ('${begin}') to ('${end}')`);
    }
    return missing.map(({ name }) => `${shard.name}.${name}`);
  });
}

const missingSql = `
  select name, month::text || '+00' as begin, (month + interval '1 month')::text || '+00' as end
  from generate_series(0, $1::int) as ahead,
    lateral (select date_trunc('month', now() at time zone 'UTC') + ahead * interval '1 month' as month) as months,
    lateral (select to_char(month, '"orders_y"YYYY"m"MM') as name) as names
  where to_regclass(name) is null
  order by month`;
