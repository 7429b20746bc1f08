import { runMigrations } from '@tenfold/database';
import { inboxMigrations, outboxMigrations } from '@tenfold/jobs';
import { makeDatabase, withClient } from '../database/bench.database.ts';

/**
 * Makes a database with outbox and inbox, and a table of effects for each side.
 *
 * @returns its URL
 */
export async function makeJobsDatabase(server: string, name: string, sides: readonly string[]): Promise<string> {
  const url = await makeDatabase(server, name);
  await runMigrations({ url, migrations: [...outboxMigrations, ...inboxMigrations] });
  await withClient(url, async (client) => {
    for (const side of sides) {
      await client.query(`create table effects_${side} (number int not null)`);
      await client.query(`create index on effects_${side} (number)`);
    }
  });
  return url;
}
