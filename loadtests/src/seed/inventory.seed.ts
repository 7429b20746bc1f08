import { copyRow, copyRows } from './copy.ts';
import type { ServiceSeed } from './service-seed.ts';

/** So much of everything that no run sells out. */
const STOCK = 1_000_000;
/** The one delivery that brought it. */
const DELIVERY_ID = '5eed0000-0000-8000-8000-000000000001';

export const inventorySeed: ServiceSeed = {
  service: 'inventory',
  tables: ['stock_events', 'stock_snapshots'],
  async write(client, { products, from }) {
    const at = from.toISOString();
    await copyRows(
      client,
      'stock_events (product_id, version, type, quantity, reference, at)',
      eachProduct(products, (id) => copyRow(id, 1, 'restocked', STOCK, DELIVERY_ID, at)),
    );
    return copyRows(
      client,
      'stock_snapshots (product_id, version, available, reserved)',
      eachProduct(products, (id) => copyRow(id, 1, STOCK, 0)),
    );
  },
};

function* eachProduct(products: number, row: (id: number) => string): Generator<string> {
  for (let id = 1; id <= products; id++) yield row(id);
}
