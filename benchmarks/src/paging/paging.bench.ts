import { Pool } from 'pg';
import { makeProducts, productColumns } from '../database/product.table.ts';
import { defineBench } from '../frame/bench.ts';
import type { Side } from '../frame/bench.ts';

const depths = { 'page 1': 0, 'page 500': 10_000, 'page 4,500': 90_000 } as const;

export default defineBench({
  title: 'A page of 20 of 100,000 products: by keyset and by offset, at three depths',
  unit: 'page',
  reference: 'keyset, page 4,500',
  goals: [
    { measure: 'wall', of: 'keyset, page 4,500', to: 'keyset, page 1', atMost: 1.2 },
    { measure: 'wall', of: 'offset, page 4,500', to: 'keyset, page 4,500', atLeast: 5 },
  ],
  servers: ['postgresql'],
  async setUp({ urls, onEnd }) {
    const { replicaUrls } = await makeProducts(urls, 'bench_paging');
    const pool = new Pool({ connectionString: replicaUrls[0], max: 1 });
    onEnd(() => pool.end());
    const side = (name: string, text: string, skipped: number): Side => ({
      async run(units) {
        let rows = 0;
        for (let unit = 0; unit < units; unit += 1) rows += (await pool.query({ name, text, values: [skipped] })).rows.length;
        return { result: rows };
      },
    });
    const keyset = `select ${productColumns} from products where id > $1 order by id limit 20`;
    const offset = `select ${productColumns} from products order by id offset $1 limit 20`;
    return {
      'keyset, page 1': side('keyset', keyset, depths['page 1']),
      'keyset, page 500': side('keyset', keyset, depths['page 500']),
      'keyset, page 4,500': side('keyset', keyset, depths['page 4,500']),
      'offset, page 1': side('offset', offset, depths['page 1']),
      'offset, page 500': side('offset', offset, depths['page 500']),
      'offset, page 4,500': side('offset', offset, depths['page 4,500']),
    };
  },
});
