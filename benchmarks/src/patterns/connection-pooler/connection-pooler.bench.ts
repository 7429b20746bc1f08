import { Client, Pool } from 'pg';
import { defineBench } from '../../frame/bench.ts';
import type { Side } from '../../frame/bench.ts';
import { inFlight } from '../in-flight.ts';

/** As many as eight replicas of a service open, of ten each. */
const connections = 80;

export default defineBench({
  title: `A short statement over ${connections} connections of clients: through PgBouncer in transaction mode, and straight`,
  unit: 'statement',
  reference: 'without',
  goals: [
    { measure: 'connections of the server', of: 'with', to: 'without', atMost: 0.25 },
    { measure: 'wall', of: 'with', to: 'without', atMost: 2 },
  ],
  servers: ['postgresql', 'pgbouncer'],
  async setUp({ urls, onEnd }) {
    const server = new Client({ connectionString: `${urls.postgres.primary}/postgres` });
    await server.connect();
    onEnd(() => server.end());
    const side = async (url: string, name: string): Promise<Side> => {
      const pool = new Pool({ connectionString: url, max: connections, application_name: name, connectionTimeoutMillis: 20_000 });
      onEnd(() => pool.end());
      const clients = await Promise.all(Array.from({ length: connections }, () => pool.connect()));
      for (const client of clients) client.release();
      return {
        async run(units) {
          const rows = await inFlight(units, connections, async () => (await pool.query<{ sum: string }>('SELECT sum(n)::text FROM generate_series(1, 200) AS n')).rows[0]?.sum);
          const held = await server.query<{ count: number }>('SELECT count(*)::int AS count FROM pg_stat_activity WHERE application_name = $1', [name]);
          return { result: new Set(rows).size, measures: { 'connections of the server': held.rows[0]?.count ?? 0 } };
        },
      };
    };
    return {
      with: await side(`${urls.pgbouncer}/catalog_primary`, 'prove with'),
      without: await side(`${urls.postgres.primary}/catalog`, 'prove without'),
    };
  },
});
