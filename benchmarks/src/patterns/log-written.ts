import type { Client } from 'pg';

/** Bytes of write-ahead log since the server's first. */
export async function logWritten(client: Client): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(`SELECT pg_current_wal_insert_lsn() - '0/0' AS bytes`);
  return Number(rows[0]?.bytes);
}
