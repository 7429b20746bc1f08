import type { ClusterUrls } from '@tenfold/local-cluster';
import { Client } from 'pg';

/** The fullest that a pool of PgBouncer was. */
export interface PoolUse {
  pool: string;
  /** Connections to the server that were in use, and how many the pool may have. */
  active: number;
  size: number;
  /** Clients that waited for one. */
  waiting: number;
  longestWaitMs: number;
}

export interface PoolWatch {
  /** Those that were waited for first, then those that were fullest. */
  fullest(): PoolUse[];
  /** @throws what a look failed by */
  end(): Promise<void>;
}

/** Looks at PgBouncer's pools every 200 ms. */
export async function watchPools({ pgbouncer }: Pick<ClusterUrls, 'pgbouncer'>): Promise<PoolWatch> {
  const client = new Client({ connectionString: `${pgbouncer}/pgbouncer` });
  await client.connect();
  const sizes = new Map((await client.query<{ name: string; pool_size: number }>('SHOW DATABASES')).rows.map(({ name, pool_size }) => [name, pool_size]));
  const uses = new Map<string, PoolUse>();
  const look = async () => {
    const { rows } = await client.query<{ database: string; sv_active: string; cl_waiting: string; maxwait: string; maxwait_us: string }>('SHOW POOLS');
    for (const { database, sv_active, cl_waiting, maxwait, maxwait_us } of rows) {
      if (database === 'pgbouncer') continue;
      const known = uses.get(database) ?? { pool: database, active: 0, size: Number(sizes.get(database) ?? 0), waiting: 0, longestWaitMs: 0 };
      uses.set(database, {
        ...known,
        active: Math.max(known.active, Number(sv_active)),
        waiting: Math.max(known.waiting, Number(cl_waiting)),
        longestWaitMs: Math.max(known.longestWaitMs, Number(maxwait) * 1000 + Number(maxwait_us) / 1000),
      });
    }
  };
  const over = new AbortController();
  const watch = (async () => {
    while (!over.signal.aborted) {
      await look();
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  })();
  // Told to whoever ends the watch.
  watch.catch(() => {});
  return {
    fullest: () => [...uses.values()].sort((a, b) => b.waiting - a.waiting || b.active / b.size - a.active / a.size),
    async end() {
      over.abort();
      await watch.finally(() => client.end());
    },
  };
}
