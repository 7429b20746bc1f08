import { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import { CreateNote1763000000000 } from './note.fixture.ts';
import { createTestDatabase } from './test-database.ts';

describe('a test database', () => {
  test('is there on the replicas, too', async () => {
    const database = await createTestDatabase({ migrations: [CreateNote1763000000000] });
    for (const url of database.replicaUrls) {
      const client = new Client({ connectionString: url });
      await client.connect();
      const { rows } = await client.query('SELECT text FROM note');
      await client.end();
      expect(rows).toEqual([{ text: 'first' }]);
    }
    await database.drop();
  });

  test('cannot be dropped while a connection to a replica is open', async () => {
    const database = await createTestDatabase({ migrations: [CreateNote1763000000000] });
    const leak = new Client({ connectionString: database.replicaUrls[0], application_name: 'the-leak' });
    await leak.connect();
    await expect(database.drop()).rejects.toThrow('the-leak');
    await leak.end();
    await database.drop();
  });
});
