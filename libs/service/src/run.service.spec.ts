import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { createServer, connect } from 'node:net';
import type { Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import { freePort } from '@tenfold/local-cluster/testing';
import { rolldown } from 'rolldown';
import { afterEach, beforeAll, expect, test } from 'vitest';

const output = fileURLToPath(new URL('../out-tsc/fixture', import.meta.url));
const started: Fixture[] = [];

beforeAll(async () => {
  const bundle = await rolldown({
    input: fileURLToPath(new URL('service.fixture.ts', import.meta.url)),
    platform: 'node',
    tsconfig: fileURLToPath(new URL('../../../tsconfig.base.json', import.meta.url)),
    external: /^(?!@tenfold\/|@oxc-project\/)[\w@]/,
  });
  await bundle.write({ dir: output, format: 'esm', entryFileNames: '[name].mjs', keepNames: true });
  await bundle.close();
});

afterEach(async () => {
  for (const fixture of started.splice(0)) {
    fixture.process.kill('SIGKILL');
    await fixture.exit;
  }
});

interface Fixture {
  process: ChildProcess;
  http: string;
  operations: string;
  exit: Promise<number | null>;
  output(): string;
  errors(): string;
  lines(): Record<string, unknown>[];
}

async function start(settings: Record<string, string> = {}): Promise<Fixture> {
  const [httpPort, operationsPort] = [await freePort(), await freePort()];
  const environment = {
    REPLICA: 'fixture-1',
    HTTP_PORT: String(httpPort),
    OPERATIONS_PORT: String(operationsPort),
    DRAIN_DELAY_MS: '100',
    ...settings,
  };
  const child = spawn(process.execPath, [`${output}/service.fixture.mjs`], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const fixture = {
    process: child,
    http: `http://127.0.0.1:${httpPort}`,
    operations: `http://127.0.0.1:${operationsPort}`,
    exit: once(child, 'close').then(([code]) => code as number | null),
    output: () => text,
    errors: () => errors,
    lines: () => text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Record<string, unknown>),
  };
  started.push(fixture);
  return fixture;
}

async function status(url: string): Promise<number> {
  try {
    const response = await fetch(url);
    await response.arrayBuffer();
    return response.status;
  } catch {
    return 0;
  }
}

async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; !(await condition()); attempt += 1) {
    if (attempt > 500) throw new Error(`waited in vain for ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function startReady(settings: Record<string, string> = {}): Promise<Fixture> {
  const fixture = await start(settings);
  await eventually(async () => (await status(`${fixture.operations}/health/ready`)) === 200);
  return fixture;
}

test('wrong settings are listed all at once on standard error, and nothing starts', async () => {
  const fixture = await start({ REPLICA: '', OPERATIONS_PORT: 'x', LOG_LEVEL: 'loud' });

  expect(await fixture.exit).toBe(1);
  expect(fixture.errors()).toMatch(/REPLICA +is missing/);
  expect(fixture.errors()).toMatch(/OPERATIONS_PORT +expected a whole number/);
  expect(fixture.errors()).toMatch(/LOG_LEVEL +expected one of fatal, error/);
  expect(fixture.errors()).not.toContain('    at ');
});

test('probes are answered while the application still boots', async () => {
  const fixture = await start({ SLOW_START_MS: '60000' });
  await eventually(async () => (await status(`${fixture.operations}/health/live`)) === 200);

  expect(await status(`${fixture.operations}/health/startup`)).toBe(503);
  expect(await status(`${fixture.operations}/health/ready`)).toBe(503);
});

test('a boot that fails is logged and ends the process', async () => {
  const fixture = await start({ FAIL_START: 'no luck' });

  expect(await fixture.exit).toBe(1);
  expect(fixture.lines().at(-1)).toMatchObject({ level: 60, err: { message: 'no luck' } });
});

test('a required dependency decides readiness but neither liveness nor the boot', async () => {
  const port = await freePort();
  const fixture = await start({ DEPENDENCY_PORT: String(port) });
  await eventually(async () => (await status(`${fixture.operations}/health/startup`)) === 200);
  expect(await status(`${fixture.operations}/health/ready`)).toBe(503);
  expect(await status(`${fixture.operations}/health/live`)).toBe(200);

  const dependency: Server = createServer((socket) => socket.resume()).listen(port, '127.0.0.1');
  await once(dependency, 'listening');
  await eventually(async () => (await status(`${fixture.operations}/health/ready`)) === 200);

  dependency.close();
  await eventually(async () => (await status(`${fixture.operations}/health/ready`)) === 503);
});

test('a dependency that is down and not required makes the service degraded', async () => {
  const fixture = await start({ DEPENDENCY_PORT: String(await freePort()) });
  await eventually(async () => (await status(`${fixture.operations}/health/startup`)) === 200);
  const body = (await (await fetch(`${fixture.operations}/health/dependencies`)).json()) as object;

  expect(body).toMatchObject({ details: { needed: { status: 'down' }, optional: { status: 'degraded' } } });
});

test('the operations port tells metrics and who this is', async () => {
  const fixture = await startReady({ VERSION: '1.2.3' });
  await status(`${fixture.http}/slow?ms=1`);
  const metrics = await (await fetch(`${fixture.operations}/metrics`)).text();

  expect(metrics).toContain('http_server_duration_seconds_count{route="/slow",method="GET",status="2xx"} 1');
  expect(metrics).toContain('nodejs_eventloop_active_seconds_total');
  const info: unknown = await (await fetch(`${fixture.operations}/info`)).json();
  expect(info).toEqual({ name: 'fixture', version: '1.2.3', replica: 'fixture-1' });
});

test('requests under way, refused and given up by their client are counted', async () => {
  const fixture = await startReady();
  const metrics = async () => (await fetch(`${fixture.operations}/metrics`)).text();
  const leaving = new AbortController();
  const left = fetch(`${fixture.http}/slow?ms=60000`, { signal: leaving.signal }).catch(() => 'gone');
  await status(`${fixture.http}/busy`);
  await eventually(async () => (await metrics()).includes('http_server_in_flight 1'));
  expect(await metrics()).toContain('http_server_refused_total{reason="unavailable"} 1');

  leaving.abort();
  expect(await left).toBe('gone');
  await eventually(async () => (await metrics()).includes('http_server_in_flight 0'));
  expect(await metrics()).toContain('http_server_duration_seconds_count{route="/slow",method="GET",status="aborted"} 1');
});

test('a request id and trace that fit the format are taken over', async () => {
  const fixture = await startReady();
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const response = await fetch(`${fixture.http}/context`, {
    headers: { 'x-request-id': 'mine-1', traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
  });

  expect(response.headers.get('x-request-id')).toBe('mine-1');
  expect(await response.json()).toMatchObject({ requestId: 'mine-1', traceId });
});

test('a request id and trace that do not fit are replaced', async () => {
  const fixture = await startReady();
  const response = await fetch(`${fixture.http}/context`, {
    headers: { 'x-request-id': 'two words', traceparent: `00-${'0'.repeat(32)}-00f067aa0ba902b7-01` },
  });
  const context = (await response.json()) as { requestId: string; traceId: string };

  expect(context.requestId).toMatch(/^[\da-f-]{36}$/);
  expect(context.traceId).toMatch(/^(?!0{32})[\da-f]{32}$/);
});

test('the context survives the reading of a body', async () => {
  const fixture = await startReady();
  const response = await fetch(`${fixture.http}/context`, {
    method: 'POST',
    headers: { 'x-request-id': 'with-body', 'content-type': 'application/json' },
    body: JSON.stringify({ a: 1 }),
  });

  expect(await response.json()).toEqual({ requestId: 'with-body', body: { a: 1 } });
});

test('a body over the limit is refused', async () => {
  const fixture = await startReady();
  const response = await fetch(`${fixture.http}/context`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ a: 'x'.repeat(70_000) }),
  });
  await response.arrayBuffer();

  expect(response.status).toBe(413);
});

test('a client that still sends a refused body can read the answer and go on', async () => {
  const fixture = await startReady();
  const socket = connect(Number(new URL(fixture.http).port), '127.0.0.1');
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
  socket.write('POST /context HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n');
  await eventually(() => received.startsWith('HTTP/1.1 413'));
  socket.write('x'.repeat(100_000));
  socket.write('GET /context HTTP/1.1\r\nhost: a\r\nx-request-id: the-next\r\n\r\n');
  await eventually(() => received.includes('x-request-id: the-next'));
  socket.destroy();

  expect(received).toContain('HTTP/1.1 200');
});

test('log lines inside of a request carry its ids and no secrets', async () => {
  const fixture = await startReady();
  await fetch(`${fixture.http}/log`, { headers: { 'x-request-id': 'logged-1' } });
  await eventually(() => fixture.output().includes('signed in'));
  const line = fixture.lines().find((candidate) => candidate['msg'] === 'signed in');

  expect(line).toMatchObject({ requestId: 'logged-1', service: 'fixture', replica: 'fixture-1', password: '[redacted]' });
  expect(line).toHaveProperty('traceId');
  expect(fixture.output()).not.toMatch(/hunter2|session=1|Bearer 2/);
});

test('a failed request is logged with its route, a quick good one is not', async () => {
  const fixture = await startReady();
  await status(`${fixture.http}/slow?ms=1`);
  await status(`${fixture.http}/fail`);
  await eventually(() => fixture.lines().some((line) => line['context'] === 'Http'));

  const lines = fixture.lines().filter((line) => line['context'] === 'Http');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({ route: '/fail', status: 500 });
});

test('the signal of a context aborts when the client hangs up', async () => {
  const fixture = await startReady();
  const abort = new AbortController();
  const pending = fetch(`${fixture.http}/signal`, { signal: abort.signal }).catch(() => 'aborted');
  setTimeout(() => abort.abort(), 100);

  expect(await pending).toBe('aborted');
  await eventually(() => fixture.output().includes('client is gone'));
});

test('SIGTERM makes the service not ready first, lets what is in flight end, and exits with 0', async () => {
  const fixture = await startReady({ DRAIN_DELAY_MS: '400' });
  const inFlight = fetch(`${fixture.http}/slow?ms=900`);
  await new Promise((resolve) => setTimeout(resolve, 50));
  fixture.process.kill('SIGTERM');

  await eventually(async () => (await status(`${fixture.operations}/health/ready`)) === 503);
  const whileDraining = await fetch(`${fixture.http}/slow?ms=1`);
  expect(await whileDraining.json()).toEqual({ dependencyOpen: true });
  expect(whileDraining.headers.get('connection')).toBe('close');
  expect(await (await inFlight).json()).toEqual({ dependencyOpen: true });
  expect(await fixture.exit).toBe(0);
});

test('an idle keep-alive connection does not hold up the stop', async () => {
  const fixture = await startReady({ DRAIN_DELAY_MS: '0' });
  const agent = new Agent({ keepAlive: true });
  const response = await new Promise<NodeJS.ReadableStream>((resolve) => {
    request(`${fixture.http}/slow?ms=1`, { agent }, resolve).end();
  });
  response.resume();
  await once(response, 'end');
  fixture.process.kill('SIGTERM');

  expect(await fixture.exit).toBe(0);
  agent.destroy();
});

test('a stop that takes longer than the grace period ends with 1', async () => {
  const fixture = await startReady({ DRAIN_DELAY_MS: '0', SHUTDOWN_GRACE_MS: '300' });
  const socket = connect(Number(new URL(fixture.http).port), '127.0.0.1');
  socket.on('error', () => {}).write('GET /slow?ms=60000 HTTP/1.1\r\nhost: x\r\n\r\n');
  await new Promise((resolve) => setTimeout(resolve, 100));
  fixture.process.kill('SIGTERM');

  expect(await fixture.exit).toBe(1);
  socket.destroy();
});

test('a second SIGINT ends the process at once', async () => {
  const fixture = await startReady({ DRAIN_DELAY_MS: '60000', SHUTDOWN_GRACE_MS: '60000' });
  fixture.process.kill('SIGINT');
  await eventually(async () => (await status(`${fixture.operations}/health/ready`)) === 503);
  fixture.process.kill('SIGINT');

  expect(await fixture.exit).toBe(130);
});

test('an error that nobody caught is logged and ends the process with 1', async () => {
  const fixture = await startReady();
  await status(`${fixture.http}/crash`);

  expect(await fixture.exit).toBe(1);
  expect(fixture.lines().at(-1)).toMatchObject({ level: 60, err: { message: 'crashed on purpose' } });
});

const token = 'only-for-those-who-may-look-inside';

function postProfile(fixture: Fixture, body: unknown, authorization = `Bearer ${token}`): Promise<Response> {
  return fetch(`${fixture.operations}/profile`, { method: 'POST', headers: { authorization, 'content-type': 'application/json' }, body: JSON.stringify(body) });
}

test('no profile is taken where there is no token', async () => {
  const fixture = await startReady();
  expect((await postProfile(fixture, {})).status).toBe(404);
});

test('whoever shows the token gets a profile of the service', async () => {
  const fixture = await startReady({ PROFILE_TOKEN: token });

  const response = await postProfile(fixture, { kind: 'cpu', seconds: 0.2 });

  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({ kind: 'cpu', service: { name: 'fixture', replica: 'fixture-1' }, profile: { nodes: expect.any(Array) as unknown } });
});

test('a wrong token is refused, and so is a profile that makes no sense', async () => {
  const fixture = await startReady({ PROFILE_TOKEN: token });

  expect((await postProfile(fixture, { seconds: 0.2 }, `Bearer ${token}x`)).status).toBe(401);
  expect((await postProfile(fixture, { seconds: 0.2 }, '')).status).toBe(401);
  const refused = await postProfile(fixture, { kind: 'disk', seconds: 1_000_000 });
  expect(refused.status).toBe(400);
  expect(await refused.text()).toContain('seconds');
});

test('a second profile waits for nobody, and one whose client left ends', async () => {
  const fixture = await startReady({ PROFILE_TOKEN: token });
  const client = new AbortController();
  const first = fetch(`${fixture.operations}/profile`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ seconds: 300 }),
    signal: client.signal,
  });
  await eventually(() => fixture.output().includes('"profile"'));
  expect((await postProfile(fixture, { seconds: 0.1 })).status).toBe(409);

  client.abort();
  await expect(first).rejects.toThrow('abort');
  await eventually(async () => (await postProfile(fixture, { seconds: 0.1 })).status === 200);
});

test('a profile does not keep a service from stopping', async () => {
  const fixture = await startReady({ PROFILE_TOKEN: token });
  const taken = postProfile(fixture, { seconds: 300 }).then(({ status }) => status, () => 0);
  await eventually(() => fixture.output().includes('"profile"'));

  fixture.process.kill('SIGTERM');

  expect(await fixture.exit).toBe(0);
  expect(await taken).toBe(503);
});

/** Sends JSON, if there is something to send, and returns the status and what came back. */
async function send(method: string, url: string, body?: unknown, headers: Record<string, string> = {}) {
  const content = body === undefined ? {} : { 'content-type': 'application/json' };
  const response = await fetch(url, { method, ...(body !== undefined && { body: JSON.stringify(body) }), headers: { ...content, ...headers } });
  return { status: response.status, text: await response.text() };
}

test('faults cannot be switched on unless the service was started for it', async () => {
  const { operations } = await startReady();

  expect((await send('PUT', `${operations}/faults/slow-route`, { route: 'GET /slow', ms: 1 })).status).toBe(404);
});

test('a service that is to run in production with a fault switch does not start', async () => {
  const fixture = await start({ FAULT_SWITCH: 'true', NODE_ENV: 'production' });

  expect(await fixture.exit).toBe(1);
  expect(fixture.output()).toContain('refused with NODE_ENV=production');
});

test('a fault slows one route until it is switched off', async () => {
  const { http, operations } = await startReady({ FAULT_SWITCH: 'true' });
  const took = async (path: string) => {
    const began = performance.now();
    await status(`${http}${path}`);
    return performance.now() - began;
  };

  expect((await send('PUT', `${operations}/faults/slow-route`, { route: 'GET /context', ms: 1000 })).status).toBe(204);
  expect(await took('/context')).toBeGreaterThanOrEqual(999);
  expect(await took('/slow?ms=0')).toBeLessThan(999);
  expect((await send('DELETE', `${operations}/faults`)).status).toBe(204);
  expect(await took('/context')).toBeLessThan(999);
});

test('a fault makes one route fail', async () => {
  const { http, operations } = await startReady({ FAULT_SWITCH: 'true' });

  await send('PUT', `${operations}/faults/failing-route`, { route: 'GET /context', share: 1 });
  expect(await status(`${http}/context`)).toBe(500);
  expect(await status(`${http}/slow?ms=0`)).toBe(200);
});

test('a fault that is not known, or told wrongly, is refused by name', async () => {
  const { operations } = await startReady({ FAULT_SWITCH: 'true' });

  expect(await send('PUT', `${operations}/faults/flood`, {})).toMatchObject({ status: 404, text: expect.stringContaining('there are failing-route, leak, slow-route') });
  expect(await send('PUT', `${operations}/faults/slow-route`, { route: 'GET /slow' })).toMatchObject({ status: 400, text: expect.stringContaining('ms') });
});

test('what a process holds is told to whoever shows the token, and a leak shows in it', async () => {
  const token = 'a-token-of-thirty-two-characters';
  const { http, operations } = await startReady({ FAULT_SWITCH: 'true', DIAGNOSTICS_TOKEN: token });
  const holdings = async () => JSON.parse((await send('POST', `${operations}/diagnostics/holdings`, {}, { authorization: `Bearer ${token}` })).text) as Record<string, number>;

  expect((await send('POST', `${operations}/diagnostics/holdings`, {})).status).toBe(401);
  const before = await holdings();
  expect(before).toMatchObject({ codeBytes: expect.any(Number), descriptors: expect.any(Number), connections: expect.any(Number), timers: expect.any(Number) });
  await send('PUT', `${operations}/faults/leak`, { bytes: 800_000, handles: 1 });
  for (let count = 0; count < 20; count++) await status(`${http}/context`);
  const leaked = await holdings();
  expect(leaked['heapBytes']).toBeGreaterThan((before['heapBytes'] ?? 0) + 14_000_000);
  for (const kind of ['descriptors', 'timers']) expect(leaked[kind]).toBeGreaterThan((before[kind] ?? 0) + 10);
  await send('DELETE', `${operations}/faults`);
  const after = await holdings();
  expect(after['heapBytes']).toBeLessThan((before['heapBytes'] ?? 0) + 4_000_000);
  for (const kind of ['descriptors', 'timers']) expect(after[kind]).toBeLessThan((before[kind] ?? 0) + 10);
});

test('what a process holds is told to nobody where there is no token', async () => {
  const { operations } = await startReady();

  expect((await send('POST', `${operations}/diagnostics/holdings`, {}, { authorization: 'Bearer undefined' })).status).toBe(404);
});
