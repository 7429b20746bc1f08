import { Client } from 'pg';
import { makeDatabase } from '../../database/bench.database.ts';
import { defineBench } from '../../frame/bench.ts';
import type { Side } from '../../frame/bench.ts';
import { logWritten } from '../log-written.ts';

const ordersOfMonth = 10_000;
const keptMonths = 6;

/** Removing alone counts in the measures; time and CPU are of filling a month and removing it. */
export default defineBench({
  title: `A month of ${ordersOfMonth} orders filled, then removed: its partition dropped, and its rows deleted from one table`,
  unit: 'month',
  reference: 'without',
  goals: [
    { measure: 'KiB of log to remove', of: 'with', to: 'without', atMost: 0.1 },
    { measure: 'ms to remove', of: 'with', to: 'without', atMost: 0.5 },
  ],
  servers: ['postgresql'],
  roundMs: 1500,
  async setUp({ urls, onEnd }) {
    const client = new Client({ connectionString: await makeDatabase(urls.postgres.primary, 'prove_month_partitions') });
    await client.connect();
    onEnd(() => client.end());
    const columns = '(id uuid NOT NULL, account_id uuid NOT NULL, total_cents bigint NOT NULL, created_at timestamptz NOT NULL, lines jsonb NOT NULL, PRIMARY KEY (id, created_at))';
    const side = async (table: string, kind: string, openMonth: (month: number) => Promise<unknown>, removeMonth: (month: number) => Promise<unknown>): Promise<Side> => {
      await client.query(`CREATE TABLE ${table} ${columns} ${kind}`);
      await client.query(`CREATE INDEX ON ${table} (account_id, created_at DESC, id DESC)`);
      for (let month = 0; month < keptMonths; month += 1) {
        await openMonth(month);
        await client.query(fillMonth(table, month));
      }
      return {
        async run(units) {
          const removal = { bytes: 0, milliseconds: 0 };
          for (let unit = 0; unit < units; unit += 1) {
            await openMonth(keptMonths);
            await client.query(fillMonth(table, keptMonths));
            const before = await logWritten(client);
            const began = performance.now();
            await removeMonth(keptMonths);
            removal.milliseconds += performance.now() - began;
            removal.bytes += (await logWritten(client)) - before;
          }
          const { rows } = await client.query<{ count: number }>(`SELECT count(*)::int AS count FROM ${table}`);
          return { result: rows[0]?.count, measures: { 'KiB of log to remove': removal.bytes / 1024 / units, 'ms to remove': removal.milliseconds / units } };
        },
      };
    };
    return {
      with: await side(
        'partitioned_orders',
        'PARTITION BY RANGE (created_at)',
        (month) => client.query(`CREATE TABLE orders_${month} PARTITION OF partitioned_orders FOR VALUES FROM ('${firstOf(month)}') TO ('${firstOf(month + 1)}')`),
        async (month) => {
          await client.query('BEGIN');
          await client.query(`ALTER TABLE partitioned_orders DETACH PARTITION orders_${month}`);
          await client.query(`DROP TABLE orders_${month}`);
          await client.query('COMMIT');
        },
      ),
      without: await side(
        'orders',
        '',
        async () => {},
        (month) => client.query(`DELETE FROM orders WHERE created_at >= '${firstOf(month)}' AND created_at < '${firstOf(month + 1)}'`),
      ),
    };
  },
});

const firstOf = (month: number) => new Date(Date.UTC(2026, month)).toISOString();

const fillMonth = (table: string, month: number) =>
  `INSERT INTO ${table} SELECT gen_random_uuid(), gen_random_uuid(), 4900 + n, '${firstOf(month)}'::timestamptz + n * interval '4 minutes', '[{"productId": 1, "quantity": 2, "priceCents": 2450}]'
   FROM generate_series(0, ${ordersOfMonth - 1}) AS n`;
