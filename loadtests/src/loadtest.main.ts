import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ClusterError } from '@tenfold/local-cluster';
import { diagnose } from './diagnose/diagnose.ts';
import { diagnosisPage } from './diagnose/diagnosis.page.ts';
import { elasticity } from './elasticity/elasticity.ts';
import { writeElasticity } from './elasticity/elasticity.files.ts';
import { elasticityText } from './elasticity/elasticity.result.ts';
import { findK6 } from './k6/k6.program.ts';
import { HoldingsWatch } from './loadtest/holdings.ts';
import { judgeRun } from './loadtest/judged-run.ts';
import { LoadtestError } from './loadtest/loadtest.error.ts';
import { readLoadtestCommand, usage } from './loadtest/loadtest.options.ts';
import type { LoadtestCommand, LoadtestOptions } from './loadtest/loadtest.options.ts';
import { runShape } from './loadtest/run-shape.ts';
import { selftest } from './loadtest/selftest.ts';
import { defaultSeconds, shapeOf } from './loadtest/shapes.ts';
import type { ShapeName } from './loadtest/shapes.ts';
import { prepareShoppers } from './loadtest/shoppers.ts';
import { openSystem } from './loadtest/system.ts';
import { measureMachine } from './machine/machine.speed.ts';
import { Progress } from './progress.ts';
import { targetsOf } from './report/targets.ts';
import { compareRuns } from './results/compare.ts';
import { comparisonText } from './results/compare.text.ts';
import { addResult, localFolder, readResults, resultsFolder } from './results/result.files.ts';
import { trendPage } from './results/trend.page.ts';
import { runText } from './results/run.text.ts';
import { SeedError } from './seed/seed.error.ts';

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const folder = `${root}/.tenfold/loadtest`;
const diagnosisFile = `${folder}/diagnosis.html`;
const holdingsFile = `${folder}/holdings.json`;

/** Readings of each heap in a soak: enough for a narrow interval, few enough for the collections not to be the load. */
const SOAK_READINGS = 40;

/** Requests per second of the spike of `elasticity`: much for three small pods, little for the machine that they share. */
const ELASTIC_RATE = 40;
const ELASTIC_SECONDS = 180;

async function runTest(name: ShapeName | 'diagnose', options: LoadtestOptions, progress: Progress, signal: AbortSignal): Promise<number> {
  const machine = await measureMachine();
  const targets = targetsOf(machine);
  const { scale, customers, label, keep } = options;
  const shapeName = name === 'diagnose' ? 'load' : name;
  const { rate = targets.rate, seconds = defaultSeconds[shapeName] } = options;
  const shape = { ...shapeOf(shapeName, { rate, seconds }), ...(options.users !== undefined && { users: options.users }) };
  const install = !options['no-install'];
  const onProgress = (line: string) => progress.show(`  ${line}`);
  const k6 = findK6({ root, install, onProgress: (line) => progress.say(line) });
  const token = process.env['DIAGNOSTICS_TOKEN'] ?? randomBytes(24).toString('base64url');
  const system = await openSystem({ scale, environment: { '*': { DIAGNOSTICS_TOKEN: token } }, install, signal, onProgress });
  try {
    onProgress(`logging in ${customers} customers`);
    const shoppers = await prepareShoppers(system.urls.gateway, customers);
    const reportFile = options['no-report'] ? undefined : `${localFolder}/${name}.html`;
    const watch = name === 'soak' ? new HoldingsWatch(system.urls, token) : undefined;
    const run = { system, shoppers, shape, scale, endpoints: Object.keys(targets.endpoints), k6, folder, reportFile, signal, onProgress };
    const findings = name === 'diagnose' ? await diagnose(run) : undefined;
    const measured =
      findings?.measured ??
      (await runShape({ ...run, ...(watch && { whileJudged: (over) => watch.watch(Math.max(1, seconds / SOAK_READINGS), over) }) }));
    const result = judgeRun(measured, targets, { label, machine, k6: k6.version, settings: { rate, seconds, users: shape.users, customers, scale } }, watch?.summary());
    if (findings) {
      // Not among the results: a run that is looked into is slower.
      const report = runText(result);
      writeFileSync(diagnosisFile, await diagnosisPage({ ...findings, report, cores: measured.judged.cores }));
      progress.say(`\n${report}\n\ndiagnosis  ${diagnosisFile}`);
      return 0;
    }
    const file = addResult(result, keep ? resultsFolder : localFolder);
    if (watch) writeFileSync(holdingsFile, JSON.stringify(watch.readings()));
    const written = [`result    ${file}`, ...(reportFile === undefined ? [] : [`k6        ${reportFile}`]), ...(watch ? [`holdings  ${holdingsFile}`] : [])];
    progress.say(`\n${runText(result)}\n\n${written.join('\n')}`);
    return result.met ? 0 : 1;
  } finally {
    await system.close();
  }
}

/** Exit code 1 when anything became slower. */
function compare([before = '', after = '']: readonly string[]): number {
  const runs = readResults();
  // A run that says nothing, says nothing here either.
  const labelled = (label: string) => runs.filter((run) => run.label === label && run.void === undefined);
  const comparison = compareRuns(labelled(before), labelled(after));
  process.stdout.write(`${comparisonText(comparison, before, after)}\n`);
  return comparison.figures.some(({ change }) => change === 'slower') ? 1 : 0;
}

function drawTrend(): number {
  const file = `${localFolder}/trend.html`;
  mkdirSync(localFolder, { recursive: true });
  writeFileSync(file, trendPage(readResults()));
  process.stdout.write(`${file}\n`);
  return 0;
}

async function runSelftest(options: LoadtestOptions, progress: Progress, signal: AbortSignal): Promise<number> {
  const install = !options['no-install'];
  const k6 = findK6({ root, install, onProgress: (line) => progress.say(line) });
  const machine = await measureMachine();
  return await selftest({ k6, machine, targets: targetsOf(machine), folder, results: options.keep ? resultsFolder : localFolder, install, signal }, progress);
}

/** Exit code 1 when a request failed. */
async function runElasticity({ url = 'http://127.0.0.1:30080', rate = ELASTIC_RATE, seconds = ELASTIC_SECONDS, only, scale, customers, keep }: LoadtestOptions, progress: Progress, signal: AbortSignal): Promise<number> {
  const result = await elasticity({ url, rate, seconds, only, scale, customers, signal, onProgress: (line) => progress.show(`  ${line}`) });
  const { file, chart } = writeElasticity(result, keep ? resultsFolder : localFolder, only === undefined || only === 'spike' ? 'elasticity' : `elasticity-${only}`);
  progress.say(`\n${elasticityText(result)}\n\nresult    ${file}\nchart     ${chart}`);
  return result.phases.every(({ failed, refused }) => failed + refused === 0) ? 0 : 1;
}

async function main({ command, names, options }: LoadtestCommand, progress: Progress): Promise<number> {
  const stop = new AbortController();
  const interrupt = () => {
    progress.say('stopping …');
    stop.abort();
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  switch (command) {
    case 'help':
      process.stdout.write(usage);
      return 0;
    case 'compare':
      return compare(names);
    case 'trend':
      return drawTrend();
    case 'elasticity':
      return await runElasticity(options, progress, stop.signal);
    case 'selftest':
      return await runSelftest(options, progress, stop.signal);
    default:
      return await runTest(command, options, progress, stop.signal);
  }
}

/** Errors for a person are told in their own words; any other one with its stack. */
async function run(): Promise<number> {
  const progress = new Progress();
  let command: LoadtestCommand;
  try {
    command = readLoadtestCommand(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  try {
    return await main(command, progress);
  } catch (error) {
    if ((error as Error).name === 'AbortError' || (error instanceof ClusterError && error.code === 'stopped')) return 130;
    const isForPeople = error instanceof ClusterError || error instanceof SeedError || error instanceof LoadtestError;
    progress.say('');
    process.stderr.write(`${isForPeople ? error.message : (error as Error).stack}\n`);
    return 1;
  }
}

process.exit(await run());
