import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { readSecrets, startCluster } from '@tenfold/local-cluster';
import type { Cluster } from '@tenfold/local-cluster';
import type { Bench, ServiceCalls } from './bench.ts';
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
  if (!bench.servers?.length) return runBenchProcess(bundle, { urls: {}, calls: { secret: '', addresses: {} }, signal, onRound });
  const cluster = await startCluster({ directory: join(scratch, 'cluster'), services: bench.services ?? 'none', components: bench.servers, signal, onProgress: note });
  try {
    return await runBenchProcess(bundle, { urls: cluster.urls, calls: callsOf(cluster), signal, onRound });
  } finally {
    await cluster.stop();
  }
}

function callsOf(cluster: Cluster): ServiceCalls {
  const replicas = cluster.processes().filter(({ kind, ports }) => kind === 'service' && ports['calls'] !== undefined);
  const ofServices = Map.groupBy(replicas, ({ name }) => name.replace(/-\d+$/, ''));
  const addresses = [...ofServices].map(([service, own]) => [service, own.map(({ ports }) => `127.0.0.1:${ports['calls']}`).join(',')]);
  return { secret: readSecrets(cluster.directory)?.callsSecret ?? '', addresses: Object.fromEntries(addresses) as Record<string, string> };
}
