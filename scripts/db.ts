import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { moveBucket } from '@tenfold/database/bucket-move';
import { reportOn } from '@tenfold/database/report';
import type { ReportTarget } from '@tenfold/database/report';
import { clusterDirectory, readDeclarations, readStatus } from '@tenfold/local-cluster';
import type { ClusterStatus } from '@tenfold/local-cluster';
import { Client } from 'pg';
import { archiveStore } from '../apps/orders/src/archive/archive.store.ts';
import { restoreMonth } from '../apps/orders/src/archive/month.archive.ts';
import { bucketTables } from '../apps/orders/src/bucket.tables.ts';

const usage = `usage: npm run db -- restore YYYY-MM
       npm run db -- move-bucket BUCKET FROM TO
       npm run db -- report [DATABASE…] [--url postgres://…/database]

restore  brings a month of orders back from the archive, on every shard of the running cluster, until it is archived again
move-bucket  moves one of the 1024 buckets of orders from one shard to another while orders come in; made again, it goes on
report   says of each database of the running cluster, or of the one at --url, what is slow, unused, missing, bloated or behind`;

async function runningCluster(): Promise<NonNullable<ClusterStatus['urls']>> {
  const status = await readStatus(clusterDirectory());
  if (!status?.urls) throw new Error('No cluster runs here. Start one by `npm run cluster -- up`, or name a database by --url.');
  return status.urls;
}

async function restore(month: string | undefined): Promise<void> {
  if (month === undefined || !/^\d{4}-\d{2}$/.test(month)) throw new Error(usage);
  const { primary, shard1 } = (await runningCluster()).postgres;
  const store = await archiveStore(process.env['ORDERS_ARCHIVE_URL'] ?? join(clusterDirectory(), 'objects'));
  for (const [index, url] of [primary, shard1].entries()) {
    const client = new Client({ connectionString: `${url}/orders` });
    await client.connect();
    try {
      await client.query('begin');
      // What is made belongs to the service, as everything else in its database does.
      await client.query('set local role orders');
      const query = async <Row>(sql: string, parameters?: unknown[]) => (await client.query(sql, parameters)).rows as Row[];
      const rows = await restoreMonth(query, store, `orders-${index}`, month);
      await client.query('commit');
      process.stdout.write(`orders-${index}: ${rows === undefined ? `${month} is not in the archive` : `${rows} orders of ${month} are back`}\n`);
    } finally {
      await client.end();
    }
  }
}

async function move([bucket, from, to]: readonly number[]): Promise<void> {
  const { primary, shard1 } = (await runningCluster()).postgres;
  const urls = [primary, shard1];
  const fits = (value: number | undefined, below: number): value is number => Number.isInteger(value) && Number(value) >= 0 && Number(value) < below;
  if (!fits(bucket, 1024) || !fits(from, urls.length) || !fits(to, urls.length) || from === to) throw new Error(usage);
  const [source, target] = [from, to].map((shard) => new Client({ connectionString: `${urls[shard]}/orders` })) as [Client, Client];
  await Promise.all([source.connect(), target.connect()]);
  try {
    const rows = await moveBucket({ bucket, from: { shard: from, client: source }, to: { shard: to, client: target }, tables: bucketTables });
    process.stdout.write(`bucket ${bucket}: ${rows} rows are on shard ${to} now\n`);
  } finally {
    await Promise.all([source.end(), target.end()]);
  }
}

/** The services' databases on every server of the running cluster. */
async function targetsOf(databases: readonly string[]): Promise<ReportTarget[]> {
  const { primary, replicas, shard1 } = (await runningCluster()).postgres;
  const declared = readDeclarations(fileURLToPath(new URL('../apps', import.meta.url))).filter(({ database }) => database);
  const names = databases.length > 0 ? databases : declared.map(({ name }) => name);
  const isSharded = (name: string) => declared.some((service) => service.name === name && service.database === 'sharded');
  return names.flatMap((name) => [
    { name: `${name} on postgres-primary`, url: `${primary}/${name}` },
    ...replicas.map((url, index) => ({ name: `${name} on postgres-replica-${index + 1}`, url: `${url}/${name}` })),
    ...(isSharded(name) ? [{ name: `${name} on postgres-shard-1`, url: `${shard1}/${name}` }] : []),
  ]);
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { url: { type: 'string' } } });
  const [verb, ...databases] = positionals;
  if (verb === 'restore') return restore(databases[0]);
  if (verb === 'move-bucket') return move(databases.map(Number));
  if (verb !== 'report') throw new Error(usage);
  const targets = values.url === undefined ? await targetsOf(databases) : [{ name: new URL(values.url).pathname.slice(1), url: values.url }];
  for (const target of targets) process.stdout.write(`${await reportOn(target)}\n\n`);
}

await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
