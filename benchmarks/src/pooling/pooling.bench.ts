import { Client, Pool } from 'pg';
import { defineBench } from '../frame/bench.ts';
import type { Side } from '../frame/bench.ts';

const statement = 'select count(*) from generate_series(1, 200)';

/** Each connection asks its share, one statement after the other. */
function side(pool: Pool, connections: number): Side {
  return {
    async run(units) {
      let left = units;
      const worker = async () => {
        while (left-- > 0) await pool.query(statement);
      };
      await Promise.all(Array.from({ length: connections }, worker));
      return { result: units };
    },
  };
}

async function warm(url: string, max: number): Promise<Pool> {
  const pool = new Pool({ connectionString: url, max, connectionTimeoutMillis: 20_000 });
  const clients = await Promise.all(Array.from({ length: max }, () => pool.connect()));
  for (const client of clients) client.release();
  return pool;
}

/** 400 connections straight to a server are refused by it, as its `max_connections` says; the bench checks that this is still so. */
async function expectRefusal(url: string): Promise<void> {
  const clients = Array.from({ length: 400 }, () => new Client({ connectionString: url, connectionTimeoutMillis: 20_000 }));
  const outcomes = await Promise.allSettled(clients.map((client) => client.connect()));
  await Promise.allSettled(clients.map((client) => client.end()));
  if (!outcomes.some(({ status }) => status === 'rejected')) throw new Error('400 direct connections were all accepted: compare them as well');
}

export default defineBench({
  title: 'A short statement over 4, 40 and 400 connections, straight and through PgBouncer (10 server connections); straight, 400 are refused',
  unit: 'statement',
  reference: 'PgBouncer, 40',
  servers: ['postgresql', 'pgbouncer'],
  roundMs: 1000,
  rounds: 9,
  async setUp({ urls, onEnd }) {
    const direct = `${urls.postgres.primary}/catalog`;
    const bouncer = `${urls.pgbouncer}/catalog_primary`;
    await expectRefusal(direct);
    const pools: Record<string, Pool> = {};
    for (const connections of [4, 40]) pools[`straight, ${connections}`] = await warm(direct, connections);
    for (const connections of [4, 40, 400]) pools[`PgBouncer, ${connections}`] = await warm(bouncer, connections);
    onEnd(() => Promise.all(Object.values(pools).map((pool) => pool.end())));
    const of = (name: string, connections: number): Side => side(pools[name] as Pool, connections);
    return {
      'straight, 4': of('straight, 4', 4),
      'straight, 40': of('straight, 40', 40),
      'PgBouncer, 4': of('PgBouncer, 4', 4),
      'PgBouncer, 40': of('PgBouncer, 40', 40),
      'PgBouncer, 400': of('PgBouncer, 400', 400),
    };
  },
});
