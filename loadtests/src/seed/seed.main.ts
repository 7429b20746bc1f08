import { parseArgs } from 'node:util';
import { clusterDirectory, readStatus } from '@tenfold/local-cluster';
import { SeedError } from './seed.error.ts';
import { seedAll } from './seed.ts';
import type { SeedUrls } from './seed.ts';

const usage = `Usage: npm run seed [-- --scale N]

Fills the databases of the running cluster (npm run cluster -- up) with the sample shop: 100,000 products, 20,000
accounts, 300,000 orders, times N. Databases that hold this seed already are left as they are.

Other servers than those of the local cluster, in the environment, as superuser URLs without a database:
POSTGRES_PRIMARY_URL, POSTGRES_REPLICA_URLS (a comma list, may be empty), POSTGRES_SHARD_1_URL.
`;

/** The servers of the environment, else those of the local cluster; undefined when none runs. */
async function servers(): Promise<SeedUrls | undefined> {
  const { POSTGRES_PRIMARY_URL: primary, POSTGRES_REPLICA_URLS: replicas = '', POSTGRES_SHARD_1_URL: shard1 } = process.env;
  if (primary && shard1) return { postgres: { primary, replicas: replicas.split(',').filter(Boolean), shard1 } };
  return (await readStatus(clusterDirectory()))?.urls;
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { scale: { type: 'string', default: '1' }, help: { type: 'boolean', short: 'h' } } });
  const scale = Number(values.scale);
  if (values.help || !(scale >= 0.01)) {
    process.stdout.write(usage);
    return values.help ? 0 : 2;
  }
  const urls = await servers();
  if (!urls) {
    process.stderr.write('No cluster runs. Start one first: npm run cluster -- up\n');
    return 1;
  }
  await seedAll({ urls, scale, onProgress: (news) => process.stdout.write(`${news}\n`) });
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof SeedError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
