import { bucketOf, contiguousBucketMap } from '@tenfold/database/bucket';
import { accountEmail, accountId } from './account.ts';
import { copyRow, copyRows } from './copy.ts';
import { ordersOf, priceList } from './order.ts';
import type { SeedSize, ServiceSeed } from './service-seed.ts';

const shardOfBucket = contiguousBucketMap(2);

/** Orders of one of the two shards: an account's bucket decides. */
export function ordersSeed(shard: 0 | 1): ServiceSeed {
  return {
    service: 'orders',
    shard,
    tables: ['orders'],
    write(client, size) {
      return copyRows(client, 'orders (id, account_id, status, total_cents, created_at, lines)', orderRows(size, shard));
    },
  };
}

/** Each shard makes all orders and keeps its own: cheaper than one generator feeding two connections at their own speeds. */
function* orderRows(size: SeedSize, shard: 0 | 1): Generator<string> {
  const list = priceList(size.products);
  const ids = Array.from({ length: size.accounts + 1 }, (_, n) => accountId(accountEmail(n)));
  const here = ids.map((id) => shardOfBucket[bucketOf(id)] === shard);
  for (const order of ordersOf(size)) {
    if (!here[order.account]) continue;
    let total = 0;
    const lines = order.lines.map(({ productId, quantity }) => {
      const priceCents = list.prices[productId] ?? 0;
      total += priceCents * quantity;
      return { productId, name: list.names[productId], categoryId: list.categoryIds[productId], quantity, priceCents };
    });
    yield copyRow(
      order.id,
      ids[order.account] ?? '',
      'confirmed',
      total,
      new Date(order.createdAt).toISOString(),
      JSON.stringify(lines),
    );
  }
}
