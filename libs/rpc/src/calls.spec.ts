import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller } from '@nestjs/common';
import { defineCalls } from '@tenfold/contracts';
import { freePort } from '@tenfold/local-cluster/testing';
import { createContext, registry, runInContext } from '@tenfold/telemetry';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { closeAll, eventually, fixtureCalls, FixtureHandler, startClient, startReplica } from './calls.fixture.ts';
import { Answers, CallError } from './index.ts';

afterEach(closeAll);

/** The CallError with which a call fails. */
async function refusalOf(call: Promise<unknown>): Promise<CallError> {
  const outcome: unknown = await call.catch((error: unknown) => error);
  if (outcome instanceof CallError) return outcome;
  throw new Error(`expected a CallError, got ${String(outcome)}`);
}

test('a thousand calls at once over one connection each get their own answer', async () => {
  const { address } = await startReplica('a');
  const client = await startClient(address);
  const texts = Array.from({ length: 1000 }, (_, index) => `${index} ${'ü'.repeat(index % 300)}`);
  const answers = await Promise.all(texts.map((text) => client.echo({ text })));

  expect(answers.map(({ text }) => text)).toEqual(texts);
});

test('a quick answer overtakes a slow one on the same connection', async () => {
  const { address } = await startReplica('a');
  const client = await startClient(address);
  const order: string[] = [];
  const slow = client.whoAnswers({ ms: 100 }).then(() => order.push('slow'));
  const quick = client.echo({ text: '' }).then(() => order.push('quick'));
  await Promise.all([slow, quick]);

  expect(order).toEqual(['quick', 'slow']);
});

test('a frame of many chunks arrives whole', async () => {
  const { address } = await startReplica('a');
  const client = await startClient(address);
  const text = 'x'.repeat(900_000);

  expect(await client.echo({ text })).toEqual({ text });
});

test('a member that is undefined stays out of the way', async () => {
  const { address } = await startReplica('a');
  const client = await startClient(address);

  expect(await client.whoAnswers({ ms: 0, mark: undefined })).toEqual({ text: 'a' });
});

test('a request that is too long is refused before it is sent', async () => {
  const { address } = await startReplica('a');
  const client = await startClient(address);
  const refusal = await refusalOf(client.echo({ text: 'x'.repeat(1_100_000) }));

  expect(refusal).toMatchObject({ code: 'bad-request', service: 'fixture', call: 'echo' });
});

test('a request that does not fit the schema is refused with the places', async () => {
  const { address } = await startReplica('a');
  const client = await startClient(address);
  const refusal = await refusalOf(client.whoAnswers({ ms: -1 }));

  expect(refusal.code).toBe('bad-request');
  expect(refusal.issues).toMatchObject([{ path: ['ms'] }]);
});

test('a code that the contract declares crosses with its message and delay', async () => {
  const { address } = await startReplica('a');
  const client = await startClient(address);
  const refusal = await refusalOf(client.refuse({ text: 'not-found' }));

  expect(refusal).toMatchObject({ code: 'not-found', message: 'refused with not-found', retryAfterMs: 70, call: 'refuse' });
});

test('a code that the contract does not declare becomes internal', async () => {
  const { address } = await startReplica('a');
  const client = await startClient(address);

  expect(await refusalOf(client.refuse({ text: 'made-up' }))).toMatchObject({ code: 'internal' });
});

test('an unknown error becomes internal and keeps its reason to itself', async () => {
  const { address } = await startReplica('a');
  const client = await startClient(address);
  const refusal = await refusalOf(client.refuse({ text: 'crash' }));

  expect(refusal.code).toBe('internal');
  expect(refusal.message).toBe('the service failed');
});

test('an error that says when to try again becomes unavailable, and keeps its reason to itself', async () => {
  const { address } = await startReplica('a');
  const client = await startClient(address);
  const refusal = await refusalOf(client.refuse({ text: 'database' }));

  expect(refusal).toMatchObject({ code: 'unavailable', retryAfterMs: 1500 });
  expect(refusal.message).not.toContain('primary');
});

test('a call ends at its deadline and the handler is told', async () => {
  const replica = await startReplica('a');
  const client = await startClient(replica.address);
  const refusal = await refusalOf(client.whoAnswers({ ms: 60_000, mark: 'late' }, { deadlineMs: 100 }));

  expect(refusal.code).toBe('deadline-exceeded');
  await eventually(() => replica.aborted.includes('late'));
});

test('the deadline of the context holds for the calls made in it', async () => {
  const replica = await startReplica('a');
  const client = await startClient(replica.address);
  const context = createContext({ deadline: Date.now() + 100 });

  const refusal = await refusalOf(runInContext(context, () => client.whoAnswers({ ms: 60_000 })));
  expect(refusal.code).toBe('deadline-exceeded');
});

test('a call whose time is up already is not sent', async () => {
  const replica = await startReplica('a');
  const client = await startClient(replica.address);
  const context = createContext({ deadline: Date.now() - 1 });

  expect(await refusalOf(runInContext(context, () => client.whoAnswers({ ms: 0, mark: 'no' })))).toMatchObject({ code: 'deadline-exceeded' });
  await client.echo({ text: 'afterwards' });
  expect(replica.started).toEqual([]);
});

test('giving up a call aborts the signal of its handler', async () => {
  const replica = await startReplica('a');
  const client = await startClient(replica.address);
  const controller = new AbortController();
  const call = refusalOf(client.whoAnswers({ ms: 60_000, mark: 'given up' }, { signal: controller.signal }));
  await eventually(() => replica.started.length === 1);
  controller.abort();

  expect((await call).code).toBe('cancelled');
  await eventually(() => replica.aborted.includes('given up'));
});

test('request id, trace, remaining time and positions ride with the call', async () => {
  const { address } = await startReplica('a');
  const client = await startClient(address);
  const context = createContext({ requestId: 'r-1', traceId: 'ab'.repeat(16), positions: new Map([['orders', '0/FF']]) });
  const seen = await runInContext(context, () => client.context({}, { deadlineMs: 1000 }));

  expect(seen).toMatchObject({ requestId: 'r-1', traceId: 'ab'.repeat(16), positions: { orders: '0/FF' } });
  expect(seen.remainingMs).toBeLessThanOrEqual(1000);
});

test('positions that a call raised come back and never go down', async () => {
  const { address } = await startReplica('a');
  const client = await startClient(address);
  const context = createContext();
  await runInContext(context, () => client.write({ lsn: '1/10' }));
  expect(context.positions).toEqual(new Map([['fixture', '1/10']]));

  await runInContext(context, () => client.write({ lsn: '0/FFFFFFFF' }));
  expect(context.positions.get('fixture')).toBe('1/10');
});

test('calls are spread over the replicas', async () => {
  const replicas = await Promise.all([startReplica('a'), startReplica('b')]);
  const client = await startClient(replicas.map(({ address }) => address).join());
  await eventually(async () => new Set((await Promise.all([1, 2, 3, 4].map(() => client.whoAnswers({ ms: 20 })))).map(({ text }) => text)).size === 2);
  const answers = await Promise.all(Array.from({ length: 100 }, () => client.whoAnswers({ ms: 50 })));

  const byA = answers.filter(({ text }) => text === 'a').length;
  expect(byA).toBeGreaterThan(30);
  expect(byA).toBeLessThan(70);
});

test('a call waits for the first replica to come up', async () => {
  const port = await freePort();
  const client = await startClient(`127.0.0.1:${port}`);
  const call = client.echo({ text: 'patience' });
  await startReplica('a', { port });

  expect(await call).toEqual({ text: 'patience' });
});

test('without any replica a call is unavailable', async () => {
  const client = await startClient(`127.0.0.1:${await freePort()}`);
  const refusal = await refusalOf(client.echo({ text: '' }));

  expect(refusal.code).toBe('unavailable');
  expect(refusal.message).toContain('ECONNREFUSED');
});

test('a replica that drains answers what it has, and new calls go elsewhere', async () => {
  const [first, second] = await Promise.all([startReplica('a'), startReplica('b')]);
  const client = await startClient(`${first.address},${second.address}`);
  await eventually(async () => (await client.whoAnswers({ ms: 0 })).text === 'a');
  await eventually(async () => (await client.whoAnswers({ ms: 0 })).text === 'b');
  const inFlight = Array.from({ length: 20 }, () => client.whoAnswers({ ms: 200 }));
  await eventually(() => first.started.length + second.started.length >= 20);
  const closed = first.app.close();
  const meanwhile = Array.from({ length: 200 }, async (_, index) => {
    await new Promise((resolve) => setTimeout(resolve, index));
    return client.countOnce({ ms: 0 });
  });

  const answers = await Promise.all([...inFlight, ...meanwhile]);
  expect(new Set(answers.slice(0, 20).map(({ text }) => text))).toEqual(new Set(['a', 'b']));
  expect(answers.at(-1)).toEqual({ text: 'b' });
  await closed;
});

test('over its limit a server refuses with a delay before it works', async () => {
  const replica = await startReplica('a', { maxInFlight: 2 });
  const client = await startClient(replica.address);
  const admitted = [client.whoAnswers({ ms: 300 }), client.whoAnswers({ ms: 300 })];
  await eventually(() => replica.started.length === 2);

  expect(await refusalOf(client.countOnce({ ms: 0 }))).toMatchObject({ code: 'overloaded', retryAfterMs: 100 });
  expect(await registry.getSingleMetricAsString('call_server_refused_total')).toMatch(/code="overloaded"\} [1-9]/);
  await Promise.all(admitted);
});

test('a file of addresses is followed when a replica is added and when one is taken out', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'addresses-'));
  const path = join(directory, 'fixture');
  const write = async (...addresses: string[]) => {
    await writeFile(`${path}.new`, `# replicas\n${addresses.join('\n')}\n`);
    await rename(`${path}.new`, path);
  };
  const [first, second] = await Promise.all([startReplica('a'), startReplica('b')]);
  await write(first.address);
  const client = await startClient(`file:${path}`);
  expect(await client.whoAnswers({ ms: 0 })).toEqual({ text: 'a' });

  await write(first.address, second.address);
  await eventually(async () => (await client.whoAnswers({ ms: 0 })).text === 'b');
  await write(second.address);
  await eventually(async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => client.whoAnswers({ ms: 0 })));
    return answers.every(({ text }) => text === 'b');
  });
  await rm(directory, { recursive: true });
});

test('a client with the wrong secret is refused', async () => {
  const { address, started } = await startReplica('a');
  const client = await startClient(address, { secret: 'x'.repeat(32) });
  const refusal = await refusalOf(client.whoAnswers({ ms: 0 }));

  expect(refusal).toMatchObject({ code: 'unavailable', message: expect.stringContaining('wrong secret') as string });
  expect(started).toEqual([]);
});

test('a client that looks for another service is refused', async () => {
  const { address } = await startReplica('a');
  const other = defineCalls('other', { echo: fixtureCalls.calls.echo });
  const client = await startClient(address, { contract: other });

  expect((await refusalOf(client.echo({ text: '' }))).message).toContain('another service');
});

test('a call that the service does not know is incompatible', async () => {
  const { address } = await startReplica('a');
  const newer = defineCalls('fixture', { future: { request: z.strictObject({}), response: z.strictObject({}), errors: [], idempotent: true } });
  const client = await startClient(address, { contract: newer });

  expect((await refusalOf(client.future({}))).code).toBe('incompatible');
});

test('a call without a handler stops the boot', async () => {
  @Controller()
  class Incomplete {
    @Answers(fixtureCalls.calls.echo)
    echo(request: { text: string }): { text: string } {
      return request;
    }
  }

  await expect(startReplica('a', { handlers: [Incomplete] })).rejects.toThrow(/Calls without a handler: fixture\.whoAnswers, .*fixture\.write/);
});

test('a call with two handlers stops the boot', async () => {
  @Controller()
  class Another {
    @Answers(fixtureCalls.calls.echo)
    echo(request: { text: string }): { text: string } {
      return request;
    }
  }

  await expect(startReplica('a', { handlers: [FixtureHandler, Another] })).rejects.toThrow('fixture.echo has two handlers');
});

test('a handler of another contract stops the boot', async () => {
  const other = defineCalls('other', { echo: fixtureCalls.calls.echo });
  @Controller()
  class Foreign {
    @Answers(other.calls.echo)
    echo(request: { text: string }): { text: string } {
      return request;
    }
  }

  await expect(startReplica('a', { handlers: [FixtureHandler, Foreign] })).rejects.toThrow('other.echo is no call of the contract fixture');
});

test('both sides measure every call by its outcome', async () => {
  const { address } = await startReplica('a');
  const client = await startClient(address);
  await refusalOf(client.refuse({ text: 'not-found' }));
  const metrics = await registry.metrics();

  expect(metrics).toMatch(/call_client_duration_seconds_count\{callee="fixture",call="refuse",code="not-found"\} \d/);
  expect(metrics).toMatch(/call_server_duration_seconds_count\{call="refuse",code="not-found"\} \d/);
});
