import { randomBytes } from 'node:crypto';
import type { K6Program } from '../k6/k6.program.ts';
import type { Progress } from '../progress.ts';
import type { Targets } from '../report/targets.ts';
import { compareRuns } from '../results/compare.ts';
import { comparisonText } from '../results/compare.text.ts';
import { addResult } from '../results/result.files.ts';
import type { RunResult } from '../results/run-result.ts';
import { switchOff, switchOn } from './fault.client.ts';
import { HoldingsWatch } from './holdings.ts';
import { judgeRun } from './judged-run.ts';
import { runShape } from './run-shape.ts';
import { comparedPairs, selftestCases, slowed } from './selftest.cases.ts';
import type { SelftestCase } from './selftest.cases.ts';
import { shortLoad } from './shapes.ts';
import { prepareShoppers } from './shoppers.ts';
import type { Shoppers } from './shoppers.ts';
import { openSystem } from './system.ts';
import type { System } from './system.ts';

/** Small enough to leave all targets met on a small machine when nothing is wrong. */
const RATE = 100;
const SECONDS = 10;
const SCALE = 0.05;
const CUSTOMERS = 20;
/** Fills caches, compiles what is hot. */
const FIRST_SECONDS = 15;
const COMPARED_SECONDS = 6;
/** Each reading collects the garbage of all replicas, which is a load of its own. */
const READ_EVERY_SECONDS = 2;
const SOAK_SECONDS = 24;

export interface SelftestOptions {
  k6: K6Program;
  targets: Targets;
  /** Folder for k6's files. */
  folder: string;
  /** Where the compared runs are added. */
  results: string;
  install: boolean;
  signal: AbortSignal;
}

interface Bench extends SelftestOptions {
  system: System;
  shoppers: Shoppers;
  token: string;
  onProgress: (line: string) => void;
}

/** Shows, on a cluster of its own, that each gate trips by its own fault and by no other, and that `compare` can tell. */
export async function selftest(options: SelftestOptions, progress: Progress): Promise<number> {
  const token = randomBytes(24).toString('base64url');
  const onProgress = (line: string) => progress.show(`  ${line}`);
  const system = await openSystem({
    scale: SCALE,
    directory: '.tenfold/selftest',
    environment: { '*': { NODE_ENV: 'test', FAULT_SWITCH: 'true', DIAGNOSTICS_TOKEN: token } },
    install: options.install,
    signal: options.signal,
    onProgress,
  });
  try {
    const shoppers = await prepareShoppers(system.urls.gateway, CUSTOMERS);
    const bench = { ...options, system, shoppers, token, onProgress };
    await run(bench, { name: 'warm-up', expected: [] }, FIRST_SECONDS);
    let isRight = true;
    for (const one of selftestCases) {
      const result = await run(bench, one, one.soak ? SOAK_SECONDS : SECONDS);
      const tripped = result.void === undefined ? missedOf(result) : 'void';
      const asExpected = String(tripped) === String(one.expected);
      isRight &&= asExpected;
      const others = asExpected ? '' : `, NOT AS EXPECTED, which was: ${wordsFor(one.expected)}`;
      progress.say(`${asExpected ? 'ok    ' : 'WRONG '} ${one.name}: ${wordsFor(tripped)}${others}`);
    }
    return (await compareWithNoise(bench, progress)) && isRight ? 0 : 1;
  } finally {
    await system.close();
  }
}

async function run(bench: Bench, one: SelftestCase, seconds: number): Promise<RunResult> {
  const { system, shoppers, token, targets, k6, folder, signal, onProgress } = bench;
  const shape = { ...shortLoad(RATE, seconds), ...(one.users !== undefined && { users: one.users }) };
  const watch = one.soak ? new HoldingsWatch(system.urls, token) : undefined;
  const { operations } = system.urls;
  if (one.fault) await switchOn(operations, one.fault.name, one.fault.settings);
  try {
    const measured = await runShape({
      system,
      shoppers,
      shape,
      scale: SCALE,
      endpoints: Object.keys(targets.endpoints),
      k6,
      folder,
      reportFile: undefined,
      wasteMs: one.wasteMs ?? 0,
      ...(watch && { whileJudged: (over) => watch.watch(READ_EVERY_SECONDS, over) }),
      signal,
      onProgress: (line) => onProgress(`${one.name}: ${line}`),
    });
    return judgeRun(measured, targets, { label: undefined, k6: k6.version, settings: { rate: RATE, seconds, users: shape.users, customers: CUSTOMERS, scale: SCALE } }, watch?.summary());
  } finally {
    await switchOff(operations);
  }
}

/** Five rounds of a calm run, one with a slowed route, and a calm one again. */
async function compareWithNoise(bench: Bench, progress: Progress): Promise<boolean> {
  const rounds = { calm: [] as RunResult[], slowed: [] as RunResult[], again: [] as RunResult[] };
  for (let round = 1; round <= comparedPairs; round++) {
    for (const [label, results] of Object.entries(rounds)) {
      const fault = label === 'slowed' ? { fault: { name: 'slow-route', settings: slowed } } : {};
      const result = { ...(await run(bench, { name: `round ${round} of ${comparedPairs}, ${label}`, expected: [], ...fault }, COMPARED_SECONDS)), label: `selftest-${label}` };
      results.push(result);
      addResult(result, bench.results);
    }
  }
  const noise = compareRuns(rounds.calm, rounds.again);
  const change = compareRuns(rounds.calm, rounds.slowed);
  progress.say(`${comparisonText(noise, 'calm', 'again')}\n\n${comparisonText(change, 'calm', 'slowed')}\n`);
  const slower = change.figures.filter((figure) => figure.change === 'slower').map(({ figure }) => figure);
  const seesNothing = noise.figures.every((figure) => figure.change === 'same');
  const seesIt = slower.includes(`p50 of ${slowed.route}`) && slower.every((figure) => figure.endsWith(slowed.route) || figure.endsWith('of all'));
  progress.say(`compare ${seesNothing ? 'sees nothing in noise' : 'TOOK NOISE FOR A CHANGE'}, and ${seesIt ? 'tells' : 'DOES NOT TELL'} ${slowed.ms} ms more in ${slowed.route}.`);
  return seesNothing && seesIt;
}

function missedOf({ verdicts }: RunResult): string[] {
  return verdicts.filter(({ met }) => !met).map(({ target }) => target);
}

function wordsFor(targets: readonly string[] | 'void'): string {
  return targets === 'void' ? 'the run is void' : targets.join(', ') || 'no gate trips';
}
