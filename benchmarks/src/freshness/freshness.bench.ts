import { Database, int, statement } from '@tenfold/database';
import { createContext, runInContext } from '@tenfold/telemetry';
import { Pool } from 'pg';
import { makeProducts, ProductEntity } from '../database/product.table.ts';
import { defineBench } from '../frame/bench.ts';
import type { Side } from '../frame/bench.ts';

const sql = 'select version, pg_is_in_recovery()::int as standby from products where id = $1';
const version = statement('version', sql, { version: int, standby: int });
const stickinessMs = 2000;

interface Seen {
  version: number;
  standby: number;
}

/** Reads what the session wrote last, `wroteAt` and up to `lsn`. */
type Read = (id: number, lsn: string, wroteAt: number) => Promise<Seen>;

export default defineBench({
  title: 'A session writes, reads that at once and four times more: who answers, and whether it is what was written',
  unit: 'session',
  reference: 'positions',
  goals: [
    { measure: 'reads on replicas', of: 'positions', to: 'an oracle', atLeast: 0.95 },
    { measure: 'stale reads', of: 'positions', atMost: 0 },
  ],
  servers: ['postgresql'],
  async setUp({ urls, onEnd }) {
    const nodes = await makeProducts(urls, 'bench_freshness');
    const database = new Database({ name: 'bench', entities: [ProductEntity], ...nodes });
    const primary = new Pool({ connectionString: nodes.primaryUrl });
    const replicas = nodes.replicaUrls.map((connectionString) => new Pool({ connectionString }));
    onEnd(() => Promise.all([database.close(), primary.end(), ...replicas.map((pool) => pool.end())]));
    await database.read((reader) => reader.query('select 1'));

    const from = async (pool: Pool, id: number) => (await pool.query<Seen>(sql, [id])).rows[0] as Seen;
    const anyReplica = () => replicas[Math.floor(Math.random() * replicas.length)] as Pool;
    /** Asks each replica before each read whether it has it: always right, at a round trip more. */
    const oracle: Read = async (id, lsn) => {
      for (const pool of replicas) {
        const { rows } = await pool.query<{ has: boolean }>('select pg_last_wal_replay_lsn() >= $1::pg_lsn as has', [lsn]);
        if (rows[0]?.has) return from(pool, id);
      }
      return from(primary, id);
    };
    const side = (read: Read): Side => ({
      async run(units) {
        let stale = 0;
        let standby = 0;
        for (let unit = 0; unit < units; unit += 1) {
          const context = createContext();
          await runInContext(context, async () => {
            const id = 1 + (unit % 1000);
            const [[{ written }]] = await database.write((tx) =>
              tx.query<[[{ written: number }]]>('update products set version = version + 1 where id = $1 returning version as written', [id]),
            );
            const wroteAt = Date.now();
            for (let turn = 0; turn < 5; turn += 1) {
              const seen = await read(id, context.positions.get('bench') ?? '0/0', wroteAt);
              if (seen.version !== written) stale += 1;
              standby += seen.standby;
            }
          });
        }
        return { result: units, measures: { 'stale reads': stale, 'reads on replicas': standby / (5 * units) } };
      },
    });
    return {
      positions: side(async (id) => (await database.rows(version, [id]))[0] as Seen),
      'an oracle': side(oracle),
      'the primary for 2 s': side((id, _, wroteAt) => from(Date.now() - wroteAt < stickinessMs ? primary : anyReplica(), id)),
      'any replica': side((id) => from(anyReplica(), id)),
    };
  },
});
