import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { startSpanReceiver } from '@tenfold/local-cluster/testing';
import type { SpanReceiver } from '@tenfold/local-cluster/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createContext, currentContext, inSpan, runInContext, startRootSpan, startSpan, startTracing, traceparentOf } from './index.ts';

let receiver: SpanReceiver;
let stop: () => Promise<void> = () => Promise.resolve();
const failures: Error[] = [];

beforeEach(async () => {
  receiver = await startSpanReceiver();
});

afterEach(async () => {
  await stop();
  stop = () => Promise.resolve();
  await receiver.close();
  failures.length = 0;
});

async function trace(options: { sampleRatio?: number; slowMs?: number; url?: string } = {}): Promise<void> {
  stop = await startTracing({
    service: 'test',
    version: '1',
    replica: 'test-1',
    exporter: { kind: 'otlp', protocol: 'http/json', endpoint: options.url ?? receiver.url },
    sampleRatio: options.sampleRatio ?? 0,
    slowMs: options.slowMs ?? 50,
    onFailure: (error) => failures.push(error),
  });
}

/** A request with one step in it. @returns the trace's id */
async function request(step: () => Promise<void> = async () => {}, traceparent?: string): Promise<string> {
  const context = createContext();
  const root = startRootSpan('request', 'server', context, { traceparent });
  const run = () => inSpan(startSpan('step'), step);
  await (root ? inSpan(root, run) : runInContext(context, run));
  return context.traceId;
}

const namesOf = (traceId: string) => receiver.spans.filter((span) => span.traceId === traceId).map(({ name }) => name).sort();

test('a sampled request is exported with all below it, each under its own parent', async () => {
  await trace({ sampleRatio: 1 });
  const traceId = await request(async () => inSpan(startSpan('inner', 'client')?.set('db.system.name', 'redis'), async () => {}));
  await stop();
  const [root, step, inner] = ['request', 'step', 'inner'].map((name) => receiver.spans.find((span) => span.name === name));

  expect(namesOf(traceId)).toEqual(['inner', 'request', 'step']);
  expect(root).toMatchObject({ service: 'test', kind: 'server', parentSpanId: '' });
  expect(step?.parentSpanId).toBe(root?.spanId);
  expect(inner).toMatchObject({ parentSpanId: step?.spanId, kind: 'client', attributes: { 'db.system.name': 'redis' } });
});

test('of requests that are not sampled, the slow and the failed ones are exported, and no other', async () => {
  await trace();
  const fast = await request();
  const slow = await request(async () => void (await sleep(60)));
  const failed = await request(() => Promise.reject(new Error('no'))).catch(() => 'rejected');
  await stop();

  expect(failed).toBe('rejected');
  expect(namesOf(fast)).toEqual([]);
  expect(namesOf(slow)).toEqual(['request', 'step']);
  expect(receiver.spans.filter((span) => span.failed).map(({ name }) => name).sort()).toEqual(['request', 'step']);
});

test('whoever asks decides whether a trace is sampled, and its span is the parent', async () => {
  await trace({ slowMs: 0 });
  const asker = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
  await request(undefined, `00-${asker.traceId}-${asker.spanId}-01`);
  await request(undefined, `00-${'c'.repeat(32)}-${asker.spanId}-00`);
  await stop();

  expect(receiver.spans.map(({ name, parentSpanId }) => ({ name, parentSpanId }))).toContainEqual({ name: 'request', parentSpanId: asker.spanId });
  expect(receiver.spans).toHaveLength(2);
});

test('a traceparent names the span in which it is asked for, and whether it is sampled', async () => {
  await trace({ sampleRatio: 1 });
  let seen = '';
  const traceId = await request(async () => {
    seen = traceparentOf(currentContext() ?? createContext()) ?? '';
  });
  await stop();

  expect(seen).toBe(`00-${traceId}-${receiver.spans.find(({ name }) => name === 'step')?.spanId}-01`);
});

test('what outlives its request follows it, and what belongs to none is not recorded', async () => {
  await trace({ sampleRatio: 1 });
  let late: Promise<void> | undefined;
  await request(async () => {
    late = inSpan(startSpan('late'), async () => void (await sleep(20)));
  });
  await late;
  await inSpan(startSpan('alone'), async () => {});
  await stop();

  expect(receiver.spans.map(({ name }) => name).sort()).toEqual(['late', 'request', 'step']);
});

test('a collector that is away is reported once and disturbs nothing', async () => {
  await receiver.close();
  await trace({ sampleRatio: 1 });
  await request();
  await expect.poll(() => failures.length, { timeout: 25_000 }).toBe(1);
  await request();
  await stop();

  expect(failures).toHaveLength(1);
});

// prom-client brings the API, which is small and does nothing by itself.
test('nothing more of OpenTelemetry is loaded until traces are started', () => {
  const script = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ resolve: (name, context, next) => { loaded.push(name); return next(name, context); } });
    const { startTracing, createContext, startRootSpan } = await import(${JSON.stringify(new URL('index.ts', import.meta.url))});
    startRootSpan('request', 'server', createContext());
    const before = loaded.filter((name) => /@opentelemetry\\/(?!api$)/.test(name)).length;
    const exporter = { kind: 'otlp', protocol: 'http/json', endpoint: 'http://127.0.0.1:9' };
    await (await startTracing({ exporter, sampleRatio: 1, slowMs: 0, onFailure() {} }))();
    console.log(JSON.stringify({ before, after: loaded.filter((name) => /@opentelemetry\\/(?!api$)/.test(name)).length }));
  `;
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
  const { before, after } = JSON.parse(output) as { before: number; after: number };

  expect(before).toBe(0);
  expect(after).toBeGreaterThan(5);
});
