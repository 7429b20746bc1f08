import { setTimeout as delay } from 'node:timers/promises';
import { Controller } from '@nestjs/common';
import { defineCalls } from '@tenfold/contracts';
import type { Call, CallContract } from '@tenfold/contracts';
import { afterEach, expect, inject, test } from 'vitest';
import { z } from 'zod';
import { closeAll, startClient, startReplica } from '../calls.fixture.ts';
import { Answers } from '../index.ts';

/** Promise 3, for calls: two versions of a contract side by side, both ways, at each step of a change. */
afterEach(closeAll);

const loadMs = inject('faults') === 'full' ? 10_000 : 1000;
const callers = 8;

const id = z.int();
const rows = z.array(z.strictObject({ id, name: z.string() }));

/** How a version of the caller asks, what it gets from the answer, and what a version of the service finds and answers. */
interface Version {
  contract: CallContract;
  ask(text: string): object;
  read(answer: Record<string, unknown>): unknown;
  answer(request: Record<string, unknown>): object;
}

function versionOf(request: z.ZodType, response: z.ZodType, { ask, read, answer }: Omit<Version, 'contract'>): Version {
  return { contract: defineCalls('changing', { find: { request, response, errors: [], idempotent: false } }), ask, read, answer };
}

const found = (text: unknown) => [{ id: 1, name: `${String(text)} found` }];
const both = { answer: ({ text, query }: Record<string, unknown>) => ({ id: 1, total: 1, items: found(text ?? query), rows: found(text ?? query) }) };
const byText = { ask: (text: string) => ({ id: 1, text }), read: ({ items }: Record<string, unknown>) => items };
const byQuery = { ask: (query: string) => ({ id: 1, query }), read: ({ rows }: Record<string, unknown>) => rows };

/** A request's field and an answer's are renamed, one is added to the answer, in releases of which neighbours must agree. */
const releases: Record<'first' | 'expanded' | 'changed over' | 'contracted', Version> = {
  first: versionOf(z.strictObject({ id, text: z.string() }), z.strictObject({ id, items: rows }), {
    ...byText,
    answer: ({ text }) => ({ id: 1, items: found(text) }),
  }),
  expanded: versionOf(
    z.strictObject({ id, text: z.string().optional(), query: z.string().optional() }),
    z.strictObject({ id, total: z.int().optional(), items: rows, rows: rows.optional() }),
    { ...byText, ...both },
  ),
  'changed over': versionOf(
    z.strictObject({ id, text: z.string().optional(), query: z.string().optional() }),
    z.strictObject({ id, total: z.int().optional(), items: rows.optional(), rows }),
    { ...byQuery, ...both },
  ),
  contracted: versionOf(z.strictObject({ id, query: z.string() }), z.strictObject({ rows, id }), {
    ...byQuery,
    answer: ({ query }) => ({ rows: found(query), id: 1 }),
  }),
};
type Release = keyof typeof releases;

interface Outcome {
  caller: Release;
  service: Release | undefined;
  right: boolean;
  error: unknown;
}

/** The service that answered a text. */
const answeredBy = new Map<string, Release>();

function startService(release: Release) {
  const { contract, answer } = releases[release];
  @Controller()
  class Handler {
    @Answers(contract.calls['find'] as Call)
    find(request: unknown): unknown {
      const asked = request as Record<string, unknown>;
      answeredBy.set(String(asked['text'] ?? asked['query']), release);
      return answer(asked);
    }
  }
  return startReplica(release, { contract, handlers: [Handler] });
}

test.each([
  ['first', 'expanded'],
  ['expanded', 'changed over'],
  ['changed over', 'contracted'],
] as const)('%s and %s side by side: old and new callers get the right answers of old and new services, while one takes the place of the other', async (older, newer) => {
  const [oldService, newService] = [await startService(older), await startService(newer)];
  const addresses = `${oldService.address},${newService.address}`;
  const outcomes: Outcome[] = [];
  const until = performance.now() + loadMs;
  let number = 0;
  const load = async (release: Release) => {
    const { contract, ask, read } = releases[release];
    const client = (await startClient(addresses, { contract })) as Record<'find', (request: unknown) => Promise<unknown>>;
    const call = async () => {
      while (performance.now() < until) {
        const text = `${release} ${(number += 1)}`;
        const outcome = { caller: release, right: false, error: undefined as unknown };
        try {
          const answer = (await client.find(ask(text))) as Record<string, unknown>;
          outcome.right = JSON.stringify(read(answer)) === JSON.stringify(found(text));
        } catch (error) {
          outcome.error = error;
        }
        outcomes.push({ ...outcome, service: answeredBy.get(text) });
        await delay(1);
      }
    };
    await Promise.all(Array.from({ length: callers }, call));
  };
  const loads = Promise.all([load(older), load(newer)]);
  await delay(loadMs / 2);
  await oldService.app.close();
  await loads;

  expect(outcomes.filter(({ right }) => !right)).toEqual([]);
  const pairs = new Set(outcomes.map(({ caller, service }) => `${caller} asks ${service}`));
  expect(pairs).toEqual(new Set([older, newer].flatMap((caller) => [older, newer].map((service) => `${caller} asks ${service}`))));
});

test('releases that are no neighbours refuse each other, and nothing is misread', async () => {
  const service = await startService('contracted');
  const { contract, ask } = releases.first;
  const client = (await startClient(service.address, { contract })) as Record<'find', (request: unknown) => Promise<unknown>>;

  await expect(client.find(ask('old'))).rejects.toMatchObject({ code: 'bad-request' });
  expect(answeredBy.has('old')).toBe(false);
});
