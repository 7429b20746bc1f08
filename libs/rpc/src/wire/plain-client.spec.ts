import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { closeAll, secret, startReplica } from '../calls.fixture.ts';

const run = promisify(execFile);
const environment = fileURLToPath(new URL('../../out-tsc/python', import.meta.url));
const client = fileURLToPath(new URL('plain_client.py', import.meta.url));
const python = `${environment}/bin/python`;
let missing: string | undefined;

beforeAll(async () => {
  if (existsSync(`${environment}/ready`)) return;
  try {
    await run('python3', ['-m', 'venv', environment]);
    await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', 'msgpack==1.1.2']);
    await run('touch', [`${environment}/ready`]);
  } catch (error) {
    missing = `no Python with venv and pip here: ${(error as Error).message.split('\n')[0]}`;
  }
}, 120_000);

afterEach(closeAll);

async function callFromPython(name: string, payload: unknown): Promise<unknown> {
  const { address } = await startReplica('a');
  const [host = '', port = ''] = address.split(':');
  const { stdout } = await run(python, [client, host, port, 'fixture', name, JSON.stringify(payload)], { env: { CALLS_SECRET: secret } });
  return JSON.parse(stdout);
}

test('Python with its own msgpack gets the answer to a call', async ({ skip }) => {
  if (missing) skip(missing);

  expect(await callFromPython('echo', { text: 'grüße' })).toEqual({ answer: { text: 'grüße' } });
});

test('Python is told what is wrong with its request', async ({ skip }) => {
  if (missing) skip(missing);

  expect(await callFromPython('whoAnswers', { ms: -1 })).toMatchObject({ refused: 'bad-request', issues: [{ path: ['ms'] }] });
});
