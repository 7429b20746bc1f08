import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { closeAll, eventually, startClient } from './calls.fixture.ts';
import { bundleService, endProcesses, startProcess } from './calls.process.fixture.ts';
import { processCalls } from './calls.service.contract.ts';

beforeAll(bundleService);

afterEach(async () => {
  await closeAll();
  await endProcesses();
});

/** Two replicas under 20 callers; `disturb` is done to the first one while they call. Returns what the callers got. */
async function callWhile(disturb: (first: ChildProcess) => Promise<unknown>): Promise<string[]> {
  const [first, second] = await Promise.all([startProcess('a'), startProcess('b')]);
  const client = await startClient(`${first.address},${second.address}`, { contract: processCalls });
  const whoAnswers = () =>
    client.whoAnswers({ ms: 5 }).then(
      ({ replica }) => replica,
      (error: unknown) => String(error),
    );
  await eventually(async () => (await whoAnswers()) === 'a');
  await eventually(async () => (await whoAnswers()) === 'b');

  const disturbed = new AbortController();
  const outcomes: string[] = [];
  const callers = Array.from({ length: 20 }, async () => {
    while (!disturbed.signal.aborted) outcomes.push(await whoAnswers());
  });
  await new Promise((resolve) => setTimeout(resolve, 100));
  await disturb(first.process);
  disturbed.abort();
  await Promise.all(callers);
  outcomes.push(await whoAnswers());
  return outcomes;
}

test('a replica that is stopped under load fails no call and exits with 0', async () => {
  let code: unknown;
  const outcomes = await callWhile(async (first) => {
    first.kill('SIGTERM');
    [code] = (await once(first, 'close')) as unknown[];
  });

  expect(new Set(outcomes)).toEqual(new Set(['a', 'b']));
  expect(outcomes.at(-1)).toBe('b');
  expect(code).toBe(0);
});

test('a replica that is killed under load fails no idempotent call', async () => {
  const outcomes = await callWhile(async (first) => {
    first.kill('SIGKILL');
    await once(first, 'close');
  });

  expect(new Set(outcomes)).toEqual(new Set(['a', 'b']));
});
