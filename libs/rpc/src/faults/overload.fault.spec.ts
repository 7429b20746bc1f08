import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeAll, expect, inject, test } from 'vitest';
import { closeAll, startClient } from '../calls.fixture.ts';
import { bundleService, endProcesses, startProcess } from '../calls.process.fixture.ts';
import type { ReplicaProcess } from '../calls.process.fixture.ts';
import { processCalls } from '../calls.service.contract.ts';
import { CallError } from '../index.ts';
import type { CallClient } from '../index.ts';

/** Promise 21, for calls: overload keeps goodput. */
beforeAll(bundleService);
afterEach(async () => {
  await closeAll();
  await endProcesses();
});

const full = inject('faults') === 'full';
const overloadSeconds = full ? 60 : 8;
const peakSeconds = full ? 10 : 4;

/** CPU of one call, in milliseconds, and the calls in flight that keep a replica busy all the time. */
const workMs = 5;
const callersAtPeak = 8;

interface Outcome {
  code: string;
  milliseconds: number;
  /** Of its end, in seconds since the load began. */
  at: number;
}

interface Phase {
  outcomes: Outcome[];
  seconds: number;
  /** That the replica used. */
  cpuSeconds: number;
}

const good = ({ code }: Outcome) => code === 'ok';
const perSecond = ({ outcomes, seconds }: Phase) => outcomes.filter(good).length / seconds;
/** What the machine does for others takes from a rate, and not from this. */
const perCpuSecond = ({ outcomes, cpuSeconds }: Phase) => outcomes.filter(good).length / cpuSeconds;

function p99(outcomes: readonly Outcome[]): number {
  const sorted = outcomes.filter(good).map(({ milliseconds }) => milliseconds).toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length * 0.99)] ?? Infinity;
}

/** In the kernel's ticks, of which 100 make a second. */
function cpuSecondsOf({ process: { pid } }: ReplicaProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Records what calls become of a load that lasts so long. `start` begins calls as `call` says, until `until`. */
async function record(
  replica: ReplicaProcess,
  client: CallClient<typeof processCalls>,
  seconds: number,
  start: (call: () => Promise<void>, until: number) => Promise<unknown>,
): Promise<Phase> {
  const outcomes: Outcome[] = [];
  const cpuBefore = cpuSecondsOf(replica);
  const startedAt = performance.now();
  await start(async () => {
    const from = performance.now();
    const code = await client.work({ ms: workMs }).then(
      () => 'ok',
      (error: unknown) => (error instanceof CallError ? error.code : String(error)),
    );
    const now = performance.now();
    outcomes.push({ code, milliseconds: now - from, at: (now - startedAt) / 1000 });
  }, startedAt + seconds * 1000);
  return { outcomes, seconds: (performance.now() - startedAt) / 1000, cpuSeconds: cpuSecondsOf(replica) - cpuBefore };
}

/** So many callers, each with one call after the other. */
const closedLoop = (callers: number) => (call: () => Promise<void>, until: number) =>
  Promise.all(
    Array.from({ length: callers }, async () => {
      while (performance.now() < until) await call();
    }),
  );

/** Calls start when they are due, however long the ones before take. */
const openLoop = (rate: number) => async (call: () => Promise<void>, until: number) => {
  const calls: Promise<void>[] = [];
  for (const startedAt = performance.now(); performance.now() < until; await delay(5)) {
    while (calls.length < ((performance.now() - startedAt) / 1000) * rate) calls.push(call());
  }
  return Promise.all(calls);
};

test('three times what a replica can do leaves its goodput, and what it admits is answered in time', async () => {
  const replica = await startProcess('a');
  const client = await startClient(replica.address, { contract: processCalls });
  await record(replica, client, 2, closedLoop(callersAtPeak));

  const before = await record(replica, client, peakSeconds, closedLoop(callersAtPeak));
  const overload = await record(replica, client, overloadSeconds, openLoop(3 * perSecond(before)));
  const recovery = await record(replica, client, 6, openLoop(perSecond(before) / 3));
  const after = await record(replica, client, peakSeconds, closedLoop(callersAtPeak));

  const peak = (perSecond(before) + perSecond(after)) / 2;
  const peakPerCpu = (perCpuSecond(before) + perCpuSecond(after)) / 2;
  const p99AtPeak = Math.max(p99(before.outcomes), p99(after.outcomes));
  const refused = overload.outcomes.filter(({ code }) => code === 'overloaded').length;
  const figures = {
    goodput: perSecond(overload) / peak,
    goodputPerCpu: perCpuSecond(overload) / peakPerCpu,
    p99: p99(overload.outcomes) / p99AtPeak,
    p99AtPeak,
    refused: refused / overload.outcomes.length,
  };
  process.stdout.write(`overload, as ratios to the peak: ${JSON.stringify(figures)}\n`);

  expect(new Set(overload.outcomes.map(({ code }) => code))).toEqual(new Set(['ok', 'overloaded']));
  expect(figures.goodputPerCpu).toBeGreaterThan(0.9);
  // The short form shares its cores with other tests.
  expect(figures.goodput).toBeGreaterThan(full ? 0.9 : 0.6);
  expect(figures.p99).toBeLessThan(full ? 2 : 4);
  expect(figures.refused).toBeGreaterThan(0.4);
  expect(recovery.outcomes.filter((outcome) => outcome.at > 5 && !good(outcome))).toEqual([]);
});
