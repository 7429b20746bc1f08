import { randomBytes } from 'node:crypto';
import type { K6Program } from '../k6/k6.program.ts';
import type { MachineSpeed } from '../machine/machine.speed.ts';
import type { Progress } from '../progress.ts';
import type { Targets } from '../report/targets.ts';
import { compareRuns } from '../results/compare.ts';
import { comparisonText } from '../results/compare.text.ts';
import { addResult } from '../results/result.files.ts';
import { coresOfOthers } from '../results/run-result.ts';
import type { RunResult } from '../results/run-result.ts';
import { switchOff, switchOn } from './fault.client.ts';
import { HoldingsWatch } from './holdings.ts';
import { judgeRun } from './judged-run.ts';
import { LoadtestError } from './loadtest.error.ts';
import { runShape } from './run-shape.ts';
import { comparedPairs, judgeCase, selftestCases, slowed } from './selftest.cases.ts';
import type { SelftestCase } from './selftest.cases.ts';
import { shortLoad } from './shapes.ts';
import { prepareShoppers } from './shoppers.ts';
import type { Shoppers } from './shoppers.ts';
import { openSystem } from './system.ts';
import type { System } from './system.ts';

/** Small enough to leave all targets met on a small machine when nothing is wrong. */
const HIGHEST_RATE = 100;
const SECONDS = 10;
const SCALE = 0.05;
const SYSTEM = '.tenfold/selftest';
const CUSTOMERS = 20;
/** Fills caches, compiles what is hot. */
const FIRST_SECONDS = 30;
const COMPARED_SECONDS = 6;
/** Each reading collects the garbage of all replicas, which is a load of its own. */
const READ_EVERY_SECONDS = 4;
/** Enough readings for an interval of the slope, also where each takes as long as the pause between them. */
const SOAK_SECONDS = 60;
/** Share of all cores from which others spoil a case. */
const BUSY_SHARE = 0.2;
const TRIES_ON_A_BUSY_MACHINE = 3;
const SPARE_ROUNDS = 5;

export interface SelftestOptions {
  k6: K6Program;
  machine: MachineSpeed;
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
    directory: SYSTEM,
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
    for (const one of selftestCases) isRight = (await tryCase(bench, one, progress)) && isRight;
    return (await compareWithNoise(bench, progress)) && isRight ? 0 : 1;
  } finally {
    await system.close();
  }
}

/** A case that goes wrong while others keep the machine busy says nothing of the gates, and is tried again. */
async function tryCase(bench: Bench, one: SelftestCase, progress: Progress): Promise<boolean> {
  for (let triesLeft = TRIES_ON_A_BUSY_MACHINE - 1; ; triesLeft--) {
    const result = await run(bench, one, one.soak ? SOAK_SECONDS : SECONDS);
    const { isAsExpected, text } = judgeCase(one, result);
    progress.say(text);
    if (isAsExpected || triesLeft === 0 || !wasDisturbed(result)) return isAsExpected;
    progress.say(`       ${coresOfOthers(result)?.toFixed(2)} of ${result.machine.cores} cores went to others meanwhile: once more`);
  }
}

async function run(bench: Bench, one: SelftestCase, seconds: number): Promise<RunResult> {
  const { system, shoppers, token, machine, targets, k6, folder, signal, onProgress } = bench;
  const rate = Math.min(HIGHEST_RATE, targets.rate);
  const shape = { ...shortLoad(rate, seconds), ...(one.users !== undefined && { users: one.users }) };
  const watch = one.soak ? new HoldingsWatch(system.urls, token) : undefined;
  const { operations } = system.urls;
  for (const name of one.halted ?? []) await requireOwn(system).halt(name);
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
    return judgeRun(measured, targets, { label: undefined, machine, k6: k6.version, settings: { rate, seconds, users: shape.users, customers: CUSTOMERS, scale: SCALE } }, watch?.summary());
  } finally {
    await switchOff(operations);
    for (const name of one.halted ?? []) await requireOwn(system).restart(name);
  }
}

function requireOwn({ own }: System): NonNullable<System['own']> {
  if (!own) throw new LoadtestError('bad-option', `A cluster runs in ${SYSTEM} that this self-test did not start: end it by TENFOLD_DIRECTORY=${SYSTEM} npm run cluster -- down`);
  return own;
}

function wasDisturbed(result: RunResult): boolean {
  return (coresOfOthers(result) ?? 0) > BUSY_SHARE * result.machine.cores;
}

/**
 * Five rounds of a calm run, one with a slowed route, and a calm one again; one that others disturb is made up for. Every
 * other round goes backwards: else what a round does to the runs that come late in it would tell the two calm ones apart.
 */
async function compareWithNoise(bench: Bench, progress: Progress): Promise<boolean> {
  const rounds = { calm: [] as RunResult[], slowed: [] as RunResult[], again: [] as RunResult[] };
  for (let round = 1, sparesLeft = SPARE_ROUNDS; round <= comparedPairs; round++) {
    const results: [RunResult[], RunResult][] = [];
    const inOrder = Object.entries(rounds);
    for (const [label, kept] of round % 2 === 1 ? inOrder : inOrder.toReversed()) {
      const fault = label === 'slowed' ? { fault: { name: 'slow-route', settings: slowed } } : {};
      const result = await run(bench, { name: `round ${round} of ${comparedPairs}, ${label}`, expected: [], ...fault }, COMPARED_SECONDS);
      results.push([kept, { ...result, label: `selftest-${label}` }]);
    }
    if (sparesLeft > 0 && results.some(([, result]) => result.void !== undefined || wasDisturbed(result))) {
      sparesLeft--;
      round--;
      continue;
    }
    for (const [kept, result] of results) {
      kept.push(result);
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
