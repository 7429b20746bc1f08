import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startGateway } from '../gateway.fixture.ts';
import type { RunningGateway } from '../gateway.fixture.ts';

const servers = inject('servers');
let here: RunningGateway;
let there: RunningGateway;

beforeAll(async () => {
  const environment = { SESSION_REDIS_URL: servers.sessionRedis };
  here = await startGateway(environment);
  there = await startGateway({ ...environment, CALL_ADDRESSES_ACCOUNTS: here.addresses.accounts });
});

afterAll(async () => {
  await here.close();
  await there.close();
  const redis = new Redis(servers.sessionRedis);
  const keys = await redis.keys('idempotency:*');
  if (keys.length > 0) await redis.del(...keys);
  redis.disconnect();
});

const newcomer = () => ({ email: `${randomUUID()}@tenfold.test`, password: 'a password of some length', name: 'Nora' });
const signUp = (gateway: RunningGateway, key: string, body: object, from = '10.1.2.3') =>
  gateway.browser().post('/v1/accounts').set('x-forwarded-for', from).set('idempotency-key', key).send(body);

describe('a request that creates, with an Idempotency-Key', () => {
  it('is answered again as it was the first time, by any replica', async () => {
    const [key, body] = [randomUUID(), newcomer()];
    const first = await signUp(here, key, body).expect(201);
    const second = await signUp(there, key, body).expect(201);
    expect(second.body).toEqual(first.body);
    expect(first.headers['idempotency-replayed']).toBeUndefined();
    expect(second.headers['idempotency-replayed']).toBe('true');
  });

  it('is refused with another body', async () => {
    const key = randomUUID();
    await signUp(here, key, newcomer()).expect(201);
    await signUp(there, key, newcomer()).expect(409, /key-reused/);
  });

  it('is done once when it comes many times at once', async () => {
    const [key, body] = [randomUUID(), newcomer()];
    const answers = await Promise.all(Array.from({ length: 10 }, (_, index) => signUp(index % 2 ? here : there, key, body)));
    const statuses = answers.map(({ status, body }) => (status === 409 ? body.type : status));
    expect(statuses.filter((status) => status !== 201 && status !== '/problems/in-progress')).toEqual([]);
    expect(new Set(answers.filter(({ status }) => status === 201).map(({ body }) => body.id)).size).toBe(1);
  });

  it('may be made again when it failed', async () => {
    const [key, taken] = [randomUUID(), newcomer()];
    await signUp(here, randomUUID(), taken).expect(201);
    await signUp(here, key, taken).expect(409, /email-taken/);
    await signUp(here, key, taken).expect(409, /email-taken/);
  });

  it('is not taken for that of somebody else who chose the same key', async () => {
    const key = randomUUID();
    await signUp(here, key, newcomer(), '10.1.1.1').expect(201);
    await signUp(here, key, newcomer(), '10.2.2.2').expect(201);
  });

  it('is refused when the key is none', async () => {
    const { body } = await signUp(here, 'short', newcomer()).expect(400);
    expect(body.errors).toMatchObject([{ header: 'Idempotency-Key' }]);
  });

  it('answers 503 when nobody can say whether it is the first', async () => {
    const alone = await startGateway({ SESSION_REDIS_URL: 'redis://127.0.0.1:1' });
    await signUp(alone, randomUUID(), newcomer()).expect(503, /unavailable/);
    await alone.browser().post('/v1/accounts').send(newcomer()).expect(201);
    await alone.close();
  });
});
