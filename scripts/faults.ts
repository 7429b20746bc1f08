import { startCluster } from '@tenfold/local-cluster';
import { build } from './build.ts';
import { conclude, say, serversOf, testDirectory, vitest } from './vitest.run.ts';

/**
 * The fault suite in full, against the servers of a cluster without services; a spec that needs services, or kills a
 * server, starts a cluster of its own. With paths or parts of them, e.g. `npm run faults -- promotion`, only those.
 */
async function main(filters: readonly string[]): Promise<void> {
  await build();
  const cluster = await startCluster({ directory: testDirectory, services: 'none', onProgress: say });
  try {
    conclude([await vitest('vitest.faults.config.ts', { ...serversOf(cluster), TENFOLD_FAULTS: 'full' }, filters)]);
  } finally {
    await cluster.stop();
  }
}

await main(process.argv.slice(2));
