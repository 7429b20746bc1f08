import { randomUUID } from 'node:crypto';
import type { Message } from '@tenfold/contracts';
import { deadLetterTopicOf } from '@tenfold/contracts';
import { Health } from '@tenfold/service';
import { createHttpApp } from '@tenfold/service/testing';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Delivery } from '../consumers/delivery.ts';
import { ServiceConsumers } from '../consumers/service.consumers.ts';
import { makeJob, numbered, startServers } from '../jobs.fixture.ts';
import type { TestServers } from '../jobs.fixture.ts';
import { KafkaSender } from '../kafka/kafkajs.sender.ts';
import { DeadLetters } from './dead-letters.ts';
import { DeadLettersModule } from './dead-letters.operations.ts';

let servers: TestServers;
let sender: KafkaSender;
const consumers: ServiceConsumers[] = [];
const tools: DeadLetters[] = [];

beforeAll(async () => {
  servers = await startServers();
  sender = new KafkaSender(servers.brokers, 'test');
  await servers.database.write((tx) => tx.query('CREATE TABLE effect (topic text, number int)'));
});

afterEach(async () => {
  await Promise.all([...consumers.splice(0).map((each) => each.stop()), ...tools.splice(0).map((each) => each.close())]);
});

afterAll(async () => {
  await sender.close();
  await servers.close();
});

/** A handler that fails until it is healed. */
async function startFailing() {
  const job = await servers.withTopics(makeJob());
  const state = { failing: true };
  const started = new ServiceConsumers({
    group: `test.${randomUUID()}`,
    brokers: servers.brokers,
    instance: 'test',
    handlers: [
      {
        message: job,
        inbox: true,
        run: async (payload: unknown, { tx }: Delivery) => {
          await tx.query('INSERT INTO effect VALUES ($1, $2)', [job.topic, numbered.parse(payload).number]);
          if (state.failing) throw new Error('not today');
        },
      },
    ],
    database: servers.database,
    concurrency: 4,
    patienceMs: 1000,
  });
  consumers.push(started);
  started.start();
  const letters = new DeadLetters({ brokers: servers.brokers, topics: [job.topic] });
  tools.push(letters);
  return { job, state, letters };
}

const send = (job: Message, id: string, number: number) =>
  sender.send([{ topic: job.topic, key: 'a', value: JSON.stringify({ key: 'a', number }), headers: { 'message-id': id } }]);

const effects = async (job: Message) => {
  const rows = await servers.database.write((tx) => tx.query<{ number: number }[]>('SELECT number FROM effect WHERE topic = $1', [job.topic]));
  return rows.map(({ number }) => number);
};

const untilDead = (job: Message, count: number) => expect.poll(() => servers.countRecords(deadLetterTopicOf(job)), { timeout: 15_000 }).toBe(count);

test('a dead letter tells what failed, and is replayed with one effect however often', async () => {
  const { job, state, letters } = await startFailing();
  const id = randomUUID();
  await send(job, id, 1);
  await untilDead(job, 1);
  expect(await letters.list()).toMatchObject([
    { id, topic: job.topic, key: 'a', state: 'dead', attempts: 1, cause: 'Error: not today', payload: '{"key":"a","number":1}' },
  ]);
  state.failing = false;
  // Two people at once, before either sees what the other did.
  const other = new DeadLetters({ brokers: servers.brokers, topics: [job.topic] });
  tools.push(other);
  await Promise.allSettled([letters.replay([id]), other.replay([id])]);
  await send(job, randomUUID(), 2);
  await expect.poll(async () => (await effects(job)).toSorted(), { timeout: 15_000 }).toEqual([1, 2]);
  expect(await letters.list()).toEqual([]);
  expect(await letters.find(id)).toMatchObject({ state: 'replayed' });
  await expect(letters.replay([id])).rejects.toMatchObject({ code: 'unknown-dead-letter' });
});

test('a message that dies again is a dead letter again', async () => {
  const { job, letters } = await startFailing();
  const id = randomUUID();
  await send(job, id, 1);
  await untilDead(job, 1);
  await letters.replay([id]);
  // The letter, what became of it, and the letter again.
  await untilDead(job, 3);
  expect(await letters.list()).toMatchObject([{ id, state: 'dead' }]);
});

const token = 'of whoever looks after the tests';

async function startHttp(topics: readonly string[], expected: string | undefined) {
  const app = await createHttpApp(DeadLettersModule.register({ brokers: servers.brokers, topics, token: expected }), {}, { health: new Health(), logger: false, logAll: false });
  await app.listen(0, '127.0.0.1');
  return app;
}

test('the operations port lists, shows and discards', async () => {
  const { job } = await startFailing();
  const id = randomUUID();
  await send(job, id, 1);
  await untilDead(job, 1);
  const app = await startHttp([job.topic], token);
  const url = `${await app.getUrl()}/jobs/dead-letters`;
  const asked = (path = '', method = 'GET') => fetch(`${url}${path}`, { method, headers: { authorization: `Bearer ${token}` } });
  for (const authorization of ['', 'Bearer guess']) {
    const refused = await fetch(`${url}/${id}`, { method: 'DELETE', headers: { authorization } });
    expect(refused.status).toBe(401);
  }
  expect(await (await asked()).json()).toMatchObject({ items: [{ id, state: 'dead' }] });
  expect(await (await asked(`/${id}`)).json()).toMatchObject({ id, cause: 'Error: not today' });
  expect(await (await asked(`/${id}`, 'DELETE')).json()).toMatchObject({ id, state: 'discarded' });
  expect(await (await asked()).json()).toEqual({ items: [] });
  expect((await asked('/nobody')).status).toBe(404);
  await app.close();
});

test('the operations port has no dead letters where there is no token', async () => {
  const app = await startHttp([], undefined);
  const answer = await fetch(`${await app.getUrl()}/jobs/dead-letters`, { headers: { authorization: 'Bearer undefined' } });
  expect(answer.status).toBe(404);
  await app.close();
});
