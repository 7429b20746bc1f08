import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { freePort } from '@tenfold/local-cluster/testing';
import { rolldown } from 'rolldown';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { closeAll, eventually, secret, startClient } from './calls.fixture.ts';
import { processCalls } from './calls.service.contract.ts';

const output = fileURLToPath(new URL('../out-tsc/fixture', import.meta.url));
const started: ChildProcess[] = [];

beforeAll(async () => {
  const bundle = await rolldown({
    input: fileURLToPath(new URL('calls.service.fixture.ts', import.meta.url)),
    platform: 'node',
    tsconfig: fileURLToPath(new URL('../../../tsconfig.base.json', import.meta.url)),
    // The operations port's library lies beside `@tenfold/service` alone.
    external: /^(?!@tenfold\/|@oxc-project\/|@nestjs\/terminus)[\w@]/,
  });
  await bundle.write({ dir: output, format: 'esm', entryFileNames: '[name].mjs', chunkFileNames: '[name].mjs', keepNames: true });
  await bundle.close();
});

afterEach(async () => {
  await closeAll();
  for (const child of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'close');
  }
});

async function startProcess(replica: string): Promise<{ process: ChildProcess; address: string }> {
  const port = await freePort();
  const child = spawn(process.execPath, [`${output}/calls.service.fixture.mjs`], {
    env: {
      REPLICA: replica,
      OPERATIONS_PORT: String(await freePort()),
      CALLS_PORT: String(port),
      CALLS_SECRET: secret,
      DRAIN_DELAY_MS: '50',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  started.push(child);
  await eventually(() => accepts(port));
  return { process: child, address: `127.0.0.1:${port}` };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

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
