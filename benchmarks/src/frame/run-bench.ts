import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { startCluster } from '@tenfold/local-cluster';
import type { Bench } from './bench.ts';
import { runBenchProcess } from './bench.runner.ts';
import type { BenchResult } from './bench.runner.ts';
import { bundleBench } from './bundle.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const scratch = join(root, '.tenfold/bench');

/** Shows what is going on, in one line that the next one replaces; nothing where nobody watches. */
export function note(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${text}`);
}

/** Bundles a bench, starts the servers that it asks for, and runs it. */
export async function runBench(name: string, folder: string, signal: AbortSignal): Promise<BenchResult> {
  const bundle = await bundleBench(name, folder, join(scratch, name), join(root, 'tsconfig.base.json'));
  const { default: bench } = (await import(pathToFileURL(bundle).href)) as { default: Bench };
  const onRound = (round: number, of: number) => note(`${name}: round ${round} of ${of} `);
  if (!bench.servers?.length) return runBenchProcess(bundle, { urls: {}, signal, onRound });
  const cluster = await startCluster({ directory: join(scratch, 'cluster'), services: 'none', components: bench.servers, signal, onProgress: note });
  try {
    return await runBenchProcess(bundle, { urls: cluster.urls, signal, onRound });
  } finally {
    await cluster.stop();
  }
}
