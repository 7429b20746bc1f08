import { rmSync } from 'node:fs';
import { makeTestDirectory } from './cluster.fixture.ts';
import { startCluster } from './cluster.ts';
import type { Cluster } from './cluster.handle.ts';
import type { ClusterOptions } from './cluster.options.ts';

/**
 * A cluster of one test file, for tests that kill servers or need services: with a data folder of its own, which is
 * removed when the cluster has stopped.
 */
export async function startTestCluster(options: Omit<ClusterOptions, 'directory'>): Promise<Cluster> {
  const directory = makeTestDirectory();
  try {
    const cluster = await startCluster({ ...options, directory });
    const stop = cluster.stop.bind(cluster);
    cluster.stop = async () => {
      await stop();
      rmSync(directory, { recursive: true, force: true });
    };
    return cluster;
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
}
