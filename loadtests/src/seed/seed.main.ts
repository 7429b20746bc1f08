import { parseArgs } from 'node:util';
import { clusterDirectory, readStatus } from '@tenfold/local-cluster';
import { SeedError } from './seed.error.ts';
import { seedAll } from './seed.ts';

const usage = `Usage: npm run seed [-- --scale N]

Fills the databases of the running cluster (npm run cluster -- up) with the sample shop: 100,000 products, 20,000
accounts, 300,000 orders, times N. Databases that hold this seed already are left as they are.
`;

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { scale: { type: 'string', default: '1' }, help: { type: 'boolean', short: 'h' } } });
  const scale = Number(values.scale);
  if (values.help || !(scale >= 0.01)) {
    process.stdout.write(usage);
    return values.help ? 0 : 2;
  }
  const status = await readStatus(clusterDirectory());
  if (!status?.urls) {
    process.stderr.write('No cluster runs. Start one first: npm run cluster -- up\n');
    return 1;
  }
  await seedAll({ urls: status.urls, scale, onProgress: (news) => process.stdout.write(`${news}\n`) });
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof SeedError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
