import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeAll, expect, inject, test } from 'vitest';
import { closeAll, eventually, startClient } from '../calls.fixture.ts';
import { bundleService, endProcesses, startProcess } from '../calls.process.fixture.ts';
import { processCalls } from '../calls.service.contract.ts';

/** Promise 22: a blocked event loop is contained. */
beforeAll(bundleService);
afterEach(async () => {
  await closeAll();
  await endProcesses();
});

const full = inject('faults') === 'full';
const blockedMs = 5000;

/** When a probe was sent, in milliseconds since the block began, and whether it was answered with 200 in its time. */
interface Probe {
  at: number;
  ready: boolean;
}

/** As HAProxy is configured to ask: every 500 ms, and no answer in that time is a "not ready". */
async function probe(operations: string, startedAt: number, until: number): Promise<Probe[]> {
  const probes: Probe[] = [];
  while (performance.now() < until) {
    const from = performance.now();
    const ready = await fetch(`${operations}/health/ready`, { signal: AbortSignal.timeout(500) }).then(
      ({ ok }) => ok,
      () => false,
    );
    probes.push({ at: performance.now() - startedAt, ready });
    await delay(Math.max(0, from + 500 - performance.now()));
  }
  return probes;
}

interface Answer {
  replica: string;
  /** Milliseconds since the recording began. */
  at: number;
  milliseconds: number;
}

const p99 = (answers: readonly Answer[]) => answers.map(({ milliseconds }) => milliseconds).toSorted((left, right) => left - right)[Math.floor(answers.length * 0.99)] ?? Infinity;

test('a replica whose event loop is blocked for five seconds is not ready, and the others answer all calls', async () => {
  const replicas = await Promise.all(['a', 'b', 'c'].map(startProcess));
  const client = await startClient(replicas.map(({ address }) => address).join(), { contract: processCalls });
  const whoAnswers = async () => (await client.whoAnswers({ ms: 2 })).replica;
  for (const name of ['a', 'b', 'c']) await eventually(async () => (await whoAnswers()) === name);
  const [blockedReplica] = replicas;
  const caller = await startClient(blockedReplica?.address ?? '', { contract: processCalls });

  const failures: unknown[] = [];
  const record = async (forMs: number): Promise<Answer[]> => {
    const answers: Answer[] = [];
    const startedAt = performance.now();
    const call = async () => {
      while (performance.now() - startedAt < forMs) {
        const from = performance.now();
        await whoAnswers().then(
          (replica) => answers.push({ replica, at: from - startedAt, milliseconds: performance.now() - from }),
          (error: unknown) => failures.push(error),
        );
      }
    };
    await Promise.all(Array.from({ length: 20 }, call));
    return answers;
  };

  await record(1500);
  const before = await record(full ? 5000 : 2000);
  const blockedAt = performance.now();
  const blocked = caller.work({ ms: blockedMs }, { deadlineMs: 20_000 });
  blocked.catch(() => {});
  const [during, probes] = await Promise.all([
    record(blockedMs - 500),
    probe(blockedReplica?.operations ?? '', blockedAt, blockedAt + blockedMs - 500),
  ]);
  // Its own caller gave the connection up.
  await expect(blocked).rejects.toMatchObject({ code: 'unavailable' });

  const contained = during.filter(({ at }) => at > 1500);
  process.stdout.write(`blocked: p99 of the others ${(p99(contained) / p99(before)).toFixed(2)}x, slowest call ${Math.max(...during.map(({ milliseconds }) => milliseconds)).toFixed()} ms\n`);
  expect(failures).toEqual([]);
  // Two in a row that are not answered take a replica out of the balancer.
  expect(probes.findIndex(({ ready }, index) => !ready && probes[index + 1]?.ready === false)).not.toBe(-1);
  expect(probes.filter(({ at, ready }) => at > 1500 && ready)).toEqual([]);
  expect(contained.length).toBeGreaterThan(1000);
  expect(new Set(contained.map(({ replica }) => replica))).toEqual(new Set(['b', 'c']));
  // A call that waits for the blocked one takes half a second. The short form shares its cores with other tests.
  expect(p99(contained)).toBeLessThan(full ? Math.max(2 * p99(before), p99(before) + 60) : 500);
  await eventually(async () => (await whoAnswers()) === 'a');
});
