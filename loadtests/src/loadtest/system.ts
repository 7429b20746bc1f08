import { clusterDirectory, readStatus, startCluster } from '@tenfold/local-cluster';
import type { Cluster, ClusterUrls, ProcessStatus } from '@tenfold/local-cluster';
import { seedAll } from '../seed/seed.ts';
import { LoadtestError } from './loadtest.error.ts';

/** The shop that is tested: a cluster that ran already, or one of our own. */
export interface System {
  urls: ClusterUrls;
  processes(): Promise<ProcessStatus[]>;
  /** Only of a cluster of our own: nobody takes parts of another's away. */
  own: Pick<Cluster, 'halt' | 'restart'> | undefined;
  /** Ends our own cluster; leaves another as it was found. */
  close(): Promise<void>;
}

export interface SystemOptions {
  /** Size of the seeded shop. */
  scale: number;
  /** Folder of the cluster. Default the one that `npm run cluster` uses. */
  directory?: string;
  /** Settings of services in a cluster of our own, beside {@link outOfTheWay}. */
  environment?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  install: boolean;
  signal: AbortSignal;
  onProgress: (line: string) => void;
}

/** One machine plays all customers, so the limits per account and per address are out of its way. They still count. */
const outOfTheWay = { RATE_LIMIT_PER_MINUTE: '1000000', LOGIN_LIMIT_PER_MINUTE: '10000' };

/** Finds the cluster that runs in the folder, else starts one; seeded either way. */
export async function openSystem({ scale, directory, environment = {}, install, signal, onProgress }: SystemOptions): Promise<System> {
  const folder = clusterDirectory(directory);
  const status = await readStatus(folder);
  if (status?.urls) {
    onProgress(`using the cluster that runs in ${folder}`);
    await seedAll({ urls: status.urls, scale, onProgress });
    return { urls: status.urls, processes: () => processesIn(folder), own: undefined, close: async () => {} };
  }
  const cluster = await startCluster({
    directory: folder,
    environment: { ...environment, gateway: { ...outOfTheWay, ...environment['gateway'] } },
    install,
    signal,
    onProgress,
    beforeServices: ({ urls }) => seedAll({ urls, scale, onProgress }),
  });
  return { urls: cluster.urls, processes: async () => cluster.processes(), own: cluster, close: () => cluster.stop() };
}

async function processesIn(folder: string): Promise<ProcessStatus[]> {
  const status = await readStatus(folder);
  if (!status) throw new LoadtestError('bad-option', `The cluster in ${folder} has stopped.`);
  return status.processes;
}
