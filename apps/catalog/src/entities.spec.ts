import { createTestDatabase, disagreements } from '@tenfold/database/testing';
import { expect, test } from 'vitest';
import { migrations } from './migrations/index.ts';
import { ProductEntity } from './product/product.entity.ts';

test('the entities agree with the migrated database', async () => {
  const database = await createTestDatabase({ migrations, replicaUrls: [] });
  expect(await disagreements(database.primaryUrl, [ProductEntity])).toEqual([]);
  await database.drop();
});
