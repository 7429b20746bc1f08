import { Client } from 'pg';
import { defineBench } from '../../frame/bench.ts';
import type { Side } from '../../frame/bench.ts';
import { makeProducts, productCount } from '../catalog-rows.ts';
import { pagesTouched } from '../pages-touched.ts';

const pageRows = 20;
const passed = productCount - pageRows;

export default defineBench({
  title: `The last page of ${pageRows} of ${productCount} products: behind the last row of the page before, and by counting past all others`,
  unit: 'page',
  reference: 'without',
  goals: [
    { measure: 'database pages', of: 'with', to: 'without', atMost: 0.1 },
    { measure: 'wall', of: 'with', to: 'without', atMost: 0.3 },
  ],
  servers: ['postgresql'],
  async setUp({ urls, onEnd }) {
    const { primaryUrl } = await makeProducts(urls, 'prove_keyset_pages');
    const client = new Client({ connectionString: primaryUrl });
    await client.connect();
    onEnd(() => client.end());
    const side = async (name: string, sql: string): Promise<Side> => {
      const databasePages = await pagesTouched(client, sql, [passed]);
      return {
        async run(units) {
          let last = 0;
          for (let unit = 0; unit < units; unit += 1) last = (await client.query<{ id: number }>({ name, text: sql, values: [passed] })).rows.at(-1)?.id ?? 0;
          return { result: last, measures: { 'database pages': databasePages } };
        },
      };
    };
    return {
      with: await side('keyset', `SELECT id, name, price_cents FROM products WHERE id > $1 ORDER BY id LIMIT ${pageRows}`),
      without: await side('offset', `SELECT id, name, price_cents FROM products ORDER BY id OFFSET $1 LIMIT ${pageRows}`),
    };
  },
});
