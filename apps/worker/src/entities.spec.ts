import { createTestDatabase, disagreements } from '@tenfold/database/testing';
import { expect, test } from 'vitest';
import { migrations } from './migrations/index.ts';
import { ReportEntity } from './report/report.entity.ts';

test('the entities agree with the migrated database', async () => {
  const database = await createTestDatabase({ migrations, replicaUrls: [] });
  expect(await disagreements(database.primaryUrl, [ReportEntity])).toEqual([]);
  await database.drop();
});
