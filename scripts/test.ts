import { startCluster } from '@tenfold/local-cluster';
import type { Cluster } from '@tenfold/local-cluster';
import { startSpanReceiver } from '@tenfold/local-cluster/testing';
import { seedAll } from '../loadtests/src/seed/seed.ts';
import { build } from './build.ts';
import { lint } from './lint.ts';
import { phase } from './phases.ts';
import { checkApi } from './schemathesis.ts';
import { conclude, run, say, serversOf, testDirectory, vitest } from './vitest.run.ts';
import type { Tally } from './vitest.run.ts';

/** As `npm run typecheck`: of several checkers each would do most of the work of the others, since packages' types are all of theirs. */
const typeCheck = ['-b', '--checkers', '1'];

const startServers = () => phase('servers', () => startCluster({ directory: testDirectory, services: 'none', onProgress: say }));

/** Tests of libraries and services, then the short form of the fault suite, with no services that would compete for the cores. */
async function againstServers(cluster: Cluster, filters: readonly string[]): Promise<Tally[]> {
  try {
    const tallies = [await phase('libraries and services', () => vitest('vitest.config.ts', serversOf(cluster), filters))];
    if (filters.length === 0) tallies.push(await phase('faults', () => vitest('vitest.faults.config.ts', serversOf(cluster))));
    return tallies;
  } finally {
    await cluster.stop();
  }
}

/**
 * The end-to-end suite, through HAProxy against the whole shop: with all caches on, and once more with all of them off,
 * which may make answers dearer, never others. In between, unless single files were asked for, the API against its own
 * description.
 */
async function againstShop(filters: readonly string[]): Promise<Tally[]> {
  return [...(await againstShopWith({}, filters, filters.length === 0)), ...(await againstShopWith({ CACHE_OFF: '*' }, filters, false))];
}

/** @param settings of all services */
async function againstShopWith(settings: Record<string, string>, filters: readonly string[], checksApi: boolean): Promise<Tally[]> {
  const shop = `the shop ${Object.entries(settings).map(([name, value]) => `with ${name}=${value}`).join(', ') || 'as it is'}`;
  say(`\n${shop}`);
  const receiver = await startSpanReceiver();
  const environment = {
    // All of the suite comes from one address.
    gateway: { LOGIN_LIMIT_PER_MINUTE: '1000', RATE_LIMIT_PER_MINUTE: '10000' },
    '*': { ...settings, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_TRACES_SAMPLER_ARG: '1' },
  };
  const seed = ({ urls }: Cluster) => seedAll({ urls, scale: 0.02, onProgress: say });
  const cluster = await phase(shop, () => startCluster({ directory: testDirectory, environment, beforeServices: seed, onProgress: say }));
  try {
    const { CACHE_OFF: off = '' } = settings;
    const cachesOff = off === '*';
    const tallies = [await phase('end to end', () => vitest('vitest.e2e.config.ts', serversOf(cluster, { spans: receiver.url, cachesOff }), filters))];
    if (checksApi) tallies.push(...(await phase('schemathesis', () => checkApi(cluster.urls.gateway))));
    const hits = await cacheHits(cluster.urls.operations);
    // A single file may well ask for nothing twice.
    const isAsSet = cachesOff ? hits === 0 : hits > 0 || filters.length > 0;
    tallies.push(isAsSet ? { passed: 1, failed: 0 } : { passed: 0, failed: 1, failures: [`caches answered ${hits} times with CACHE_OFF=${off}`] });
    return tallies;
  } finally {
    await cluster.stop();
    await receiver.close();
  }
}

/** How much the caches of all replicas have answered. */
async function cacheHits(operations: Record<string, string>): Promise<number> {
  const pages = await Promise.all(Object.values(operations).map(async (url) => (await fetch(`${url}/metrics`)).text()));
  const counts = pages.flatMap((page) => [...page.matchAll(/^cache_requests_total\{.*outcome="(?:memory|redis|negative|stale)".*\} (\d+)/gm)]);
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}

/** What needs no server, one after the other: each keeps the cores busy. */
async function checkSources(): Promise<Tally[]> {
  const verdict = (name: string, ok: boolean): Tally => (ok ? { passed: 1, failed: 0 } : { passed: 0, failed: 1, failures: [`${name} found something; it stands above.`] });
  const { clean, output } = await phase('lint', () => lint());
  say(output.trim());
  const typed = await phase('types', () => run('tsc', typeCheck));
  await phase('bundles', () => build());
  return [verdict('lint', clean), verdict('tsc', typed === 0)];
}

/** With paths, e.g. `npm test -- libs/session`, only the tests below them, end-to-end ones by file; without, everything. */
async function main(filters: readonly string[]): Promise<void> {
  const tallies: Tally[] = [];
  if (filters.length > 0) {
    const { shop = [], servers = [] } = Object.groupBy(filters, (filter) => (filter.includes('.e2e.') ? 'shop' : 'servers'));
    if (servers.length > 0) tallies.push(...(await againstServers(await startServers(), servers)));
    if (shop.length > 0) tallies.push(...(await againstShop(shop)));
  } else {
    // The servers of a fresh clone are fetched first, which is mostly waiting.
    const [checks, cluster] = await Promise.all([checkSources(), startServers()]);
    tallies.push(...checks, ...(await againstServers(cluster, [])), ...(await againstShop([])));
    tallies.push(await phase('clusters and workspaces', () => vitest('vitest.cluster.config.ts')));
  }
  conclude(tallies);
}

await main(process.argv.slice(2));
