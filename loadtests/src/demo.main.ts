import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ClusterError, startCluster } from '@tenfold/local-cluster';
import type { Cluster } from '@tenfold/local-cluster';
import { compareCaches } from './demo.caches.ts';
import { measureMix } from './demo.ts';
import { readDemoOptions, usage } from './demo.options.ts';
import type { DemoOptions } from './demo.options.ts';
import { measureMachine } from './machine/machine.speed.ts';
import { Progress } from './progress.ts';
import type { DemoReport } from './report/demo-report.ts';
import { reportText } from './report/report-text.ts';
import { targetsOf } from './report/targets.ts';
import { accountEmail, ADMIN_EMAIL, PASSWORD } from './seed/account.ts';
import { SeedError } from './seed/seed.error.ts';
import { seedAll } from './seed/seed.ts';

const reportFolder = fileURLToPath(new URL('../../.tenfold/demo/', import.meta.url));

/**
 * One machine plays all customers, so the limits per account and per address are out of its way. They still count.
 */
const environment = { gateway: { RATE_LIMIT_PER_MINUTE: '1000000', LOGIN_LIMIT_PER_MINUTE: '10000' } };

async function main(options: DemoOptions, progress: Progress): Promise<number> {
  const machine = await measureMachine();
  const targets = targetsOf(machine);
  const stop = new AbortController();
  const interrupt = () => {
    progress.say('stopping …');
    stop.abort();
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);

  if (options.caches) {
    const { rate = targets.rate / 2, seconds = 10, scale } = options;
    const comparison = await compareCaches({ rate, seconds, scale, environment, install: !options['no-install'], signal: stop.signal }, progress);
    progress.say(`\n${comparison}\n`);
    return 0;
  }
  const began = performance.now();
  const say = (line: string) => progress.show(`  ${line}`);
  const cluster = await startCluster({
    environment,
    with: options.with,
    install: !options['no-install'],
    signal: stop.signal,
    onProgress: say,
    beforeServices: ({ urls }) => seedAll({ urls, scale: options.scale, onProgress: say }),
  });
  // By Ctrl-C, or by `npm run cluster -- down`.
  void cluster.stopped.then(() => stop.abort());
  const stopped = new Promise<'stopped'>((resolve) => stop.signal.addEventListener('abort', () => resolve('stopped')));
  try {
    const startSeconds = (performance.now() - began) / 1000;
    progress.say(`All services run: ${cluster.urls.gateway} (${startSeconds.toFixed(1)} s)`);
    const { rate = targets.rate, seconds = 20, scale } = options;
    const report = await Promise.race([stopped, measureMix(cluster, { scale, rate, seconds, startSeconds, machine, targets: { ...targets, rate }, signal: stop.signal }, progress)]);
    if (report === 'stopped') return 130;
    writeReport(report);
    progress.say(`\n${reportText(report)}\n`);
    if (options.once) return report.met ? 0 : 1;
    progress.say(whereToLook(cluster, options));
    await stopped;
    return 0;
  } finally {
    await cluster.stop();
  }
}

function writeReport(report: DemoReport): void {
  mkdirSync(reportFolder, { recursive: true });
  writeFileSync(`${reportFolder}report.json`, `${JSON.stringify(report, undefined, 2)}\n`);
}

function whereToLook({ urls }: Cluster, options: DemoOptions): string {
  return [
    `routes     ${urls.gateway}/reference`,
    `API        ${urls.gateway}/openapi.json`,
    `mail       ${urls.mail}`,
    ...(options.with.includes('metrics') ? [`metrics    ${urls.prometheus}/alerts`] : []),
    `log in as  ${accountEmail(1)} or ${ADMIN_EMAIL}, password ${PASSWORD}`,
    `processes  npm run cluster -- status`,
    `break it   npm run cluster -- kill gateway-1`,
    'Ctrl-C stops everything.',
  ].join('\n');
}

/** Errors for a person are told in their own words; any other one with its stack. */
async function run(): Promise<number> {
  const progress = new Progress();
  let options: DemoOptions;
  try {
    options = readDemoOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(usage);
    return 0;
  }
  try {
    return await main(options, progress);
  } catch (error) {
    if (error instanceof ClusterError && error.code === 'stopped') return 130;
    progress.say('');
    process.stderr.write(`${error instanceof ClusterError || error instanceof SeedError ? error.message : (error as Error).stack}\n`);
    return 1;
  }
}

process.exit(await run());
