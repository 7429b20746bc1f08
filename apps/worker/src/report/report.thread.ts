import { once } from 'node:events';
import { constants, setPriority } from 'node:os';
import type { MessagePort } from 'node:worker_threads';
import type { Report } from '@tenfold/contracts';
import { Client } from 'pg';
import { ReportFiles } from './report-files.ts';
import { CompressedParts } from './compressed.parts.ts';
import type { SavedParts } from './compressed.parts.ts';
import { reportTables } from './report.table.ts';
import type { RowKey } from './report.table.ts';

/** From where another run goes on. */
export interface ReportCheckpoint {
  generation: number;
  total: number;
  done: number;
  after: RowKey;
  /** Of the summary. */
  state: unknown;
  parts: SavedParts;
}

export interface ReportTask extends Pick<Report, 'kind' | 'from' | 'to'> {
  /** The node to read from. */
  databaseUrl: string;
  objectStore: string;
  /** Folder of the report in the object store. */
  folder: string;
  /** Of this run alone: a second one, begun while the first was taken for dead, must not write into its files. */
  run: string;
  checkpoint: ReportCheckpoint | null;
  /** Gets each checkpoint, and answers when it is saved. */
  port: MessagePort;
  pageRows: number;
  /** Rows after which a part of the file is finished, and saved. */
  partRows: number;
}

// On Linux a priority is a thread's own: whatever else wants a core gets it before a report.
if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_BELOW_NORMAL);

/**
 * Writes one report, in memory that does not depend on its rows: page by page from a replica, each a statement of its own
 * that keeps no snapshot, compressed as it comes, and part by part into the object store.
 *
 * @returns the file's key
 */
export default async function run(task: ReportTask): Promise<string> {
  const { objectStore, databaseUrl } = task;
  const client = new Client({ connectionString: databaseUrl, application_name: 'tenfold report', connectionTimeoutMillis: 5000 });
  await client.connect();
  try {
    return await write(task, client, new ReportFiles(objectStore));
  } finally {
    await client.end();
  }
}

async function write(task: ReportTask, client: Client, files: ReportFiles): Promise<string> {
  const { kind, folder, run, port, partRows, pageRows } = task;
  const table = reportTables[kind];
  const live = await liveGeneration(client);
  // Of an earlier generation the last one is kept.
  const resumed = task.checkpoint && task.checkpoint.generation >= live - 1 ? task.checkpoint : undefined;
  const begun = resumed ?? (await begin(task, client, live));
  const { generation, total } = begun;
  let { done, after } = begun;
  const summary = table.summary(begun.state);
  const parts = new CompressedParts(files, folder, run, begun.parts);
  if (!resumed) await parts.write(table.heading);
  for (let ofPart = 0; ; ) {
    const values = [generation, task.from, task.to, ...after, pageRows];
    const { rows } = await client.query<string[]>({ text: table.rows, values, rowMode: 'array' });
    await parts.write(rows.map((row) => summary.add(row)).join(''));
    const [first, second] = rows.at(-1) ?? [];
    if (first !== undefined && second !== undefined) after = [first, second];
    done += rows.length;
    ofPart += rows.length;
    if (rows.length < pageRows) break;
    if (ofPart < partRows) continue;
    ofPart = 0;
    const checkpoint: ReportCheckpoint = { generation, total, done, after, state: summary.state, parts: await parts.close() };
    port.postMessage(checkpoint);
    await once(port, 'message');
  }
  // Rows are added meanwhile, and never taken away, but with a generation as a whole.
  if (done < total) throw new Error(`generation ${generation} of the sales was dropped while the report read it`);
  await parts.write(summary.end());
  return parts.finish(`${folder}/${run}.csv.gz`);
}

async function liveGeneration(client: Client): Promise<number> {
  const { rows } = await client.query<{ live: number }>('select live from sales_generations');
  return rows[0]?.live ?? 1;
}

async function begin({ kind, from, to }: ReportTask, client: Client, generation: number): Promise<ReportCheckpoint> {
  const { count, start } = reportTables[kind];
  const { rows } = await client.query<{ rows: number }>(count, [generation, from, to]);
  return { generation, total: rows[0]?.rows ?? 0, done: 0, after: start, state: null, parts: { names: [], crc: 0, bytes: 0 } };
}
