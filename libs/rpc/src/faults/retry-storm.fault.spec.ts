import { setTimeout as delay } from 'node:timers/promises';
import { Controller } from '@nestjs/common';
import { defineCalls } from '@tenfold/contracts';
import { afterEach, expect, inject, test } from 'vitest';
import { z } from 'zod';
import { closeAll, startClient, startReplica } from '../calls.fixture.ts';
import { Answers, CallError } from '../index.ts';

afterEach(closeAll);

const seconds = inject('faults') === 'full' ? 30 : 5;
const callsPerSecond = 200;
const empty = z.strictObject({});
const failingCalls = defineCalls('failing', { ask: { request: empty, response: empty, errors: [], idempotent: true } });

let attempts = 0;

@Controller()
class FailingHandler {
  @Answers(failingCalls.calls.ask)
  ask(): never {
    attempts += 1;
    throw new CallError('overloaded', 'always');
  }
}

test('a service that refuses everything is asked at most a fifth more often, and ten times a second', async () => {
  attempts = 0;
  const replicas = await Promise.all(['a', 'b', 'c'].map((name) => startReplica(name, { contract: failingCalls, handlers: [FailingHandler] })));
  const client = await startClient(replicas.map(({ address }) => address).join(), { contract: failingCalls });
  const outcomes: Promise<unknown>[] = [];
  const startedAt = performance.now();
  while (performance.now() - startedAt < seconds * 1000) {
    const due = ((performance.now() - startedAt) / 1000) * callsPerSecond;
    while (outcomes.length < due) outcomes.push(client.ask({}).catch((error: unknown) => error));
    await delay(5);
  }
  const codes = (await Promise.all(outcomes)).map((error) => (error as CallError).code);

  expect(new Set(codes)).toEqual(new Set(['overloaded']));
  expect(attempts).toBeGreaterThan(1.1 * outcomes.length);
  expect(attempts).toBeLessThanOrEqual(1.2 * outcomes.length + 10 * (seconds + 1));
});
