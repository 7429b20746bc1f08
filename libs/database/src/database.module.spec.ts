import { Test } from '@nestjs/testing';
import { Health, HealthModule } from '@tenfold/service';
import { expect, test } from 'vitest';
import { DatabaseModule } from './database.module.ts';
import { Database } from './database.ts';

const nowhere = 'postgres://postgres@127.0.0.1:1/none';

test('a service boots while no node is up, and is not asked to wait for one', async () => {
  const health = new Health();
  const module = await Test.createTestingModule({
    imports: [
      HealthModule.register(health),
      DatabaseModule.register({ name: 'notes', entities: [], primaryUrl: nowhere, replicaUrls: [nowhere] }),
    ],
  }).compile();
  await module.init();
  expect(module.get(Database).name).toBe('notes');
  expect(health.dependencies).toMatchObject([{ name: 'database:notes', required: false }]);
  await module.close();
});
