import DataLoader from 'dataloader';
import { Pool } from 'pg';
import { defineBench } from '../../frame/bench.ts';
import type { Side } from '../../frame/bench.ts';
import { askedFor, makeProducts } from '../catalog-rows.ts';

/** Lines of a page, each of which asks for its product. */
const lines = 50;

interface Priced {
  id: number;
  price_cents: number;
}

export default defineBench({
  title: `A page of ${lines} lines, each of which asks for its product: gathered into one statement, and one by one`,
  unit: 'page',
  reference: 'without',
  goals: [
    { measure: 'statements', of: 'with', atMost: 1 },
    { measure: 'cpu', of: 'with', to: 'without', atMost: 0.5 },
  ],
  servers: ['postgresql'],
  async setUp({ urls, onEnd }) {
    const { primaryUrl } = await makeProducts(urls, 'prove_batch_loading');
    const pool = new Pool({ connectionString: primaryUrl, max: 10 });
    onEnd(() => pool.end());
    let statements = 0;
    const ask = async (name: string, text: string, value: unknown): Promise<Priced[]> => {
      statements += 1;
      return (await pool.query<Priced>({ name, text, values: [value] })).rows;
    };
    const side = (begin: () => (id: number) => Promise<number>): Side => ({
      async run(units) {
        statements = 0;
        let sum = 0;
        for (let unit = 0; unit < units; unit += 1) {
          const priceOf = begin();
          const prices = await Promise.all(Array.from({ length: lines }, (_, line) => priceOf(askedFor(unit * lines + line))));
          sum += prices.reduce((total, price) => total + price, 0);
        }
        return { result: sum, measures: { statements: statements / units } };
      },
    });
    return {
      with: side(() => {
        const products = new DataLoader<number, number>(async (ids) => {
          const rows = await ask('many', 'SELECT id, price_cents FROM products WHERE id = ANY ($1)', ids);
          const prices = new Map(rows.map((row) => [row.id, row.price_cents]));
          return ids.map((id) => prices.get(id) ?? 0);
        });
        return (id) => products.load(id);
      }),
      without: side(() => async (id) => (await ask('one', 'SELECT id, price_cents FROM products WHERE id = $1', id))[0]?.price_cents ?? 0),
    };
  },
});
