import { Client } from 'pg';
import { defineBench } from '../../frame/bench.ts';
import type { Side } from '../../frame/bench.ts';
import { makeProducts } from '../catalog-rows.ts';

const pageRows = 1000;

interface Priced {
  id: number;
  price_cents: number;
}

export default defineBench({
  title: 'A sum over 20,000 products with their texts: page by page, and all at once',
  unit: 'sum',
  reference: 'without',
  roundMs: 1000,
  goals: [
    { measure: 'rows held', of: 'with', to: 'without', atMost: 0.1 },
    { measure: 'wall', of: 'with', to: 'without', atMost: 2 },
  ],
  servers: ['postgresql'],
  async setUp({ urls, onEnd }) {
    const { primaryUrl } = await makeProducts(urls, 'prove_paged_reads');
    const client = new Client({ connectionString: primaryUrl });
    await client.connect();
    onEnd(() => client.end());
    const side = (pages: () => AsyncGenerator<readonly Priced[]>): Side => ({
      async run(units) {
        let [sum, held] = [0, 0];
        for (let unit = 0; unit < units; unit += 1) {
          for await (const rows of pages()) {
            held = Math.max(held, rows.length);
            for (const { price_cents: price } of rows) sum += price;
          }
        }
        return { result: sum, measures: { 'rows held': held } };
      },
    });
    return {
      with: side(async function* () {
        for (let after = 0; ; ) {
          const { rows } = await client.query<Priced>({ name: 'page', text: `SELECT * FROM products WHERE id > $1 ORDER BY id LIMIT ${pageRows}`, values: [after] });
          if (rows.length > 0) yield rows;
          if (rows.length < pageRows) return;
          after = rows.at(-1)?.id ?? after;
        }
      }),
      without: side(async function* () {
        yield (await client.query<Priced>({ name: 'all', text: 'SELECT * FROM products ORDER BY id' })).rows;
      }),
    };
  },
});
