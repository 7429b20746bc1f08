import { Client } from 'pg';
import { makeDatabase } from '../../database/bench.database.ts';
import { defineBench } from '../../frame/bench.ts';
import type { Side } from '../../frame/bench.ts';
import { pagesTouched } from '../pages-touched.ts';

const products = 100_000;
const categories = 200;
const pageRows = 20;

export default defineBench({
  title: `The ${pageRows} cheapest of a category, of ${products} products in ${categories} categories: an index of category, price and id, and one of the category alone`,
  unit: 'page',
  reference: 'without',
  goals: [
    { measure: 'database pages', of: 'with', to: 'without', atMost: 0.1 },
    { measure: 'wall', of: 'with', to: 'without', atMost: 0.7 },
  ],
  servers: ['postgresql'],
  async setUp({ urls, onEnd }) {
    const client = new Client({ connectionString: await makeDatabase(urls.postgres.primary, 'prove_composite_index') });
    await client.connect();
    onEnd(() => client.end());
    const side = async (table: string, index: string): Promise<Side> => {
      await client.query(
        `CREATE TABLE ${table} AS SELECT id, 1 + id % ${categories} AS category_id, 'Walnut desk lamp no. ' || id AS name, repeat('linen ', 30) AS description,
           100 + (id::bigint * 7919 % 100003)::int AS price_cents FROM generate_series(1, ${products}) AS id`,
      );
      await client.query(`CREATE INDEX ON ${table} ${index}`);
      await client.query(`VACUUM ANALYZE ${table}`);
      const sql = `SELECT id, price_cents FROM ${table} WHERE category_id = $1 ORDER BY price_cents, id LIMIT ${pageRows}`;
      const databasePages = await pagesTouched(client, sql, [7]);
      return {
        async run(units) {
          let cheapest = 0;
          for (let unit = 0; unit < units; unit += 1) {
            const { rows } = await client.query<{ price_cents: number }>({ name: table, text: sql, values: [1 + (unit % categories)] });
            cheapest += rows.reduce((sum, { price_cents: price }) => sum + price, 0);
          }
          return { result: cheapest, measures: { 'database pages': databasePages } };
        },
      };
    };
    return { with: await side('indexed_products', '(category_id, price_cents, id)'), without: await side('products', '(category_id)') };
  },
});
