import { Client } from 'pg';

/** Makes a database anew. @returns its URL */
export async function makeDatabase(server: string, name: string): Promise<string> {
  await withClient(`${server}/postgres`, async (client) => {
    await client.query(`drop database if exists ${name} with (force)`);
    await client.query(`create database ${name}`);
  });
  return `${server}/${name}`;
}

export async function withClient<Result>(url: string, use: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
