import { Controller } from '@nestjs/common';
import { defineCalls } from '@tenfold/contracts';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { closeAll, startClient, startReplica } from './calls.fixture.ts';
import { Answers } from './index.ts';

afterEach(closeAll);

// Both sides of one call, in the versions of a migration: a field is added, then the old one taken away.
const items = z.array(z.strictObject({ id: z.int(), name: z.string() }));
const versionOf = <Request extends z.ZodType, Response extends z.ZodType>(request: Request, response: Response) =>
  defineCalls('skew', { find: { request, response, errors: [], idempotent: false } });

const first = versionOf(z.strictObject({ id: z.int(), text: z.string() }), z.strictObject({ id: z.int(), items }));
const added = versionOf(
  z.strictObject({ id: z.int(), limit: z.int().default(10), text: z.string() }),
  z.strictObject({ total: z.int(), id: z.int(), items }),
);
const renamed = versionOf(z.strictObject({ id: z.int(), query: z.string() }), z.strictObject({ id: z.int(), rows: items }));

const response = { id: 1, total: 2, items: [{ id: 3, name: 'three' }], rows: [{ id: 4, name: 'four' }] };
let received: unknown;

/** A client of one version before a service of another. */
async function startPair<Client extends typeof first | typeof added | typeof renamed>(client: Client, service: ReturnType<typeof versionOf>) {
  @Controller()
  class Handler {
    @Answers(service.calls.find)
    find(request: unknown): unknown {
      received = request;
      return response;
    }
  }
  const { address } = await startReplica('a', { contract: service, handlers: [Handler] });
  return startClient(address, { contract: client });
}

test('a service that knows a field more understands callers that do not, and answers what they know and more', async () => {
  const client = await startPair(first, added);

  expect(await client.find({ id: 1, text: 'x' })).toEqual({ id: 1, total: 2, items: response.items });
  expect(received).toEqual({ id: 1, limit: 10, text: 'x' });
});

test('a caller that knows a field more is understood as long as it does not use it', async () => {
  const client = await startPair(added, first);

  expect(await client.find({ id: 1, text: 'x' })).toEqual({ id: 1, items: response.items });
  expect(received).toEqual({ id: 1, text: 'x' });
});

test('a caller that uses a field that the service does not know is refused with its name', async () => {
  const client = await startPair(added, first);

  await expect(client.find({ id: 1, text: 'x', limit: 5 })).rejects.toMatchObject({
    code: 'bad-request',
    issues: [{ message: expect.stringContaining('limit') as string }],
  });
});

test.each([
  ['old', first, renamed],
  ['new', renamed, first],
])('the %s name of a field is refused by the other version, never taken for another field', async (_, client, service) => {
  received = undefined;
  const pair = await startPair(client, service);

  await expect(pair.find({ id: 1, text: 'x', query: 'x' })).rejects.toMatchObject({ code: 'bad-request' });
  expect(received).toBeUndefined();
});

test('many calls at once find out that the tables differ, and none of them is lost', async () => {
  const client = await startPair(first, added);
  const answers = await Promise.all(Array.from({ length: 200 }, (_, id) => client.find({ id, text: 'x' })));

  expect(new Set(answers.map(({ id }) => id))).toEqual(new Set([1]));
});
