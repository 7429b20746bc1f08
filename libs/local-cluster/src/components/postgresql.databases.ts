import { Client } from 'pg';

interface DatabasesOptions {
  /** Superuser URL of the node without a database. */
  url: string;
  /** Services that have a database on it. */
  owners: readonly string[];
  /** Replication slots, one for each of its replicas. */
  slots: readonly string[];
  replicatorPassword: string;
  /** The password of a service, or its verifier. */
  passwordOf(service: string): string;
}

/** Makes what the services, the replicas and the measurements need, where it is missing. */
export async function prepareDatabases({ url, owners, slots, replicatorPassword, passwordOf }: DatabasesOptions): Promise<void> {
  await withClient(`${url}/postgres`, async (client) => {
    const existing = new Set((await client.query<{ name: string }>('SELECT rolname AS name FROM pg_roles UNION ALL SELECT datname FROM pg_database')).rows.map((row) => row.name));
    await client.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
    if (!existing.has('replicator')) {
      await client.query(`CREATE ROLE replicator LOGIN REPLICATION PASSWORD ${client.escapeLiteral(replicatorPassword)}`);
    }
    for (const name of owners) {
      const role = client.escapeIdentifier(name);
      if (!existing.has(name)) await client.query(`CREATE ROLE ${role} LOGIN`);
      // Each time, since whoever starts the server may have another one by now.
      await client.query(`ALTER ROLE ${role} PASSWORD ${client.escapeLiteral(passwordOf(name))}`);
      // Shows a standby's timeline, by which services tell one that follows a former primary.
      await client.query(`GRANT pg_read_all_stats TO ${role}`);
      if (existing.has(name)) continue;
      await client.query(`CREATE DATABASE ${role} OWNER ${role}`);
      // A service owns its database, and no other service may look into it.
      await client.query(`REVOKE ALL ON DATABASE ${role} FROM PUBLIC`);
    }
    for (const slot of slots) {
      await client.query('SELECT pg_create_physical_replication_slot($1) WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1)', [slot]);
    }
  }, 10_000);
}

/** Connects, and closes the connection whatever happens. @param connectWithinMs default a second: who asks whether a server is ready asks again */
export async function withClient<T>(url: string, use: (client: Client) => Promise<T>, connectWithinMs = 1_000): Promise<T> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: connectWithinMs, query_timeout: 60_000 });
  // A server that goes away while we ask is seen by the query that fails.
  client.on('error', () => {});
  try {
    await client.connect();
    return await use(client);
  } finally {
    await client.end().catch(() => {});
  }
}
