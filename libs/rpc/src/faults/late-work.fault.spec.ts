import { setTimeout as delay } from 'node:timers/promises';
import { Controller } from '@nestjs/common';
import { defineCalls } from '@tenfold/contracts';
import { currentContext } from '@tenfold/telemetry';
import { afterEach, expect, inject, test } from 'vitest';
import { z } from 'zod';
import { closeAll, startClient, startReplica } from '../calls.fixture.ts';
import { Answers, CallError } from '../index.ts';
import type { CallClient } from '../index.ts';

/** Promise 19, for calls: behind a service that takes 30 s for everything, nothing is begun for which there is no time left. */
afterEach(closeAll);

const seconds = inject('faults') === 'full' ? 30 : 5;
const callsPerSecond = 200;
/** Deadlines are kept to so many milliseconds. */
const gridMs = 20;
const empty = z.strictObject({});
const called = (service: string) => defineCalls(service, { ask: { request: empty, response: empty, errors: [], idempotent: true } });
const frontCalls = called('front');
const slowCalls = called('slow');

/** Milliseconds that were left when a piece of work was begun. */
const left: Record<'front' | 'slow', number[]> = { front: [], slow: [] };
const begin = (where: keyof typeof left) => left[where].push((currentContext()?.deadline ?? 0) - Date.now());
let slow: CallClient<typeof slowCalls>;

@Controller()
class FrontHandler {
  @Answers(frontCalls.calls.ask)
  async ask(): Promise<Record<string, never>> {
    begin('front');
    // Code that does not care why it failed, and asks once more when its time is up.
    await slow.ask({}).catch(() => {});
    return slow.ask({});
  }
}

@Controller()
class SlowHandler {
  @Answers(slowCalls.calls.ask)
  async ask(): Promise<Record<string, never>> {
    begin('slow');
    await delay(30_000, undefined, { signal: currentContext()?.signal as AbortSignal });
    return {};
  }
}

test('callers wait for as long as they said, and no handler begins later than that', async () => {
  // Room for few: the others wait for it, and their time runs out while they do.
  const slowReplica = await startReplica('slow', { contract: slowCalls, handlers: [SlowHandler], maxInFlight: 20 });
  slow = await startClient(slowReplica.address, { contract: slowCalls });
  const front = await startReplica('front', { contract: frontCalls, handlers: [FrontHandler] });
  const client = await startClient(front.address, { contract: frontCalls });
  const outcomes: Promise<{ code: string; overMs: number }>[] = [];
  const ask = async () => {
    const deadlineMs = 20 + Math.random() * 300;
    const from = performance.now();
    const code = await client.ask({}, { deadlineMs }).then(
      () => 'ok',
      (error: unknown) => (error instanceof CallError ? error.code : String(error)),
    );
    return { code, overMs: performance.now() - from - deadlineMs };
  };
  for (const startedAt = performance.now(); performance.now() - startedAt < seconds * 1000; await delay(5)) {
    while (outcomes.length < ((performance.now() - startedAt) / 1000) * callsPerSecond) outcomes.push(ask());
  }
  const all = await Promise.all(outcomes);

  const late = Object.values(left).flat().filter((milliseconds) => milliseconds <= -gridMs);
  const median = all.map(({ overMs }) => overMs).toSorted((a, b) => a - b)[all.length >>> 1];
  process.stdout.write(`late work: ${left.front.length} and ${left.slow.length} begun, ${late.length} of them late\n`);
  expect(all.length).toBeGreaterThan(100 * seconds);
  expect(all.filter(({ code }) => !['deadline-exceeded', 'overloaded', 'unavailable'].includes(code))).toEqual([]);
  expect(left.slow.length).toBeGreaterThan(20);
  expect(late).toEqual([]);
  expect(median).toBeLessThan(100);
});
