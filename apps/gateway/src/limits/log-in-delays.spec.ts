import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { customer, startGateway } from '../gateway.fixture.ts';
import type { RunningGateway } from '../gateway.fixture.ts';

const servers = inject('servers');
let gateway: RunningGateway;
let redis: Redis;

beforeAll(async () => {
  gateway = await startGateway({ SESSION_REDIS_URL: servers.sessionRedis });
  redis = new Redis(servers.sessionRedis);
});

afterAll(async () => {
  await gateway.close();
  const keys = await redis.keys('limit:attempts:*');
  if (keys.length > 0) await redis.del(...keys);
  redis.disconnect();
});

const logIn = (email: string, password: string, from = '10.9.8.7') =>
  gateway.browser().post('/v1/session').set('x-forwarded-for', from).send({ email, password });

const attemptsAt = async () => redis.keys('limit:attempts:*:10.*');
const clock = async () => {
  const [seconds, micros] = await redis.time();
  return Number(seconds) * 1000 + Number(micros) / 1000;
};

/** Makes all attempts so far as many as this, without a wait. */
async function countAs(attempts: number): Promise<void> {
  for (const key of await attemptsAt()) await redis.hset(key, { attempts, notBefore: 0 });
}

describe('attempts at an account', () => {
  beforeEach(async () => {
    for (const key of await attemptsAt()) await redis.del(key);
  });

  it('wait twice as long each time, once there were ten', async () => {
    const email = `${randomUUID()}@tenfold.test`;
    await logIn(email, 'guess').expect(401);
    for (const [attempts, waitMs] of [[9, 1_000], [10, 2_000], [13, 16_000], [16, 128_000], [900, 900_000]] as const) {
      await countAs(attempts);
      const before = await clock();
      await logIn(email, 'guess').expect(401);
      const after = await clock();
      const [key = ''] = await attemptsAt();
      const notBefore = Number(await redis.hget(key, 'notBefore'));
      expect(notBefore - after).toBeLessThanOrEqual(waitMs);
      expect(notBefore - before).toBeGreaterThanOrEqual(waitMs - 1);
    }
  });

  it('are refused while they have to wait, and told for how long', async () => {
    const email = `${randomUUID()}@tenfold.test`;
    await logIn(email, 'guess').expect(401);
    await countAs(900);
    await logIn(email, 'guess').expect(401);
    const refused = await logIn(email, 'guess').expect(429, /too-many-requests/);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(600);
  });

  it('do not wait for those from elsewhere', async () => {
    await logIn(customer.email, 'guess', '10.6.6.6').expect(401);
    await countAs(900);
    await logIn(customer.email, 'guess', '10.6.6.6').expect(401);
    await logIn(customer.email, customer.password, '10.6.6.6').expect(429);
    await logIn(customer.email, customer.password, '10.5.5.5').expect(201);
  });

  it('wait a little for those from everywhere, when they are many', async () => {
    const email = `${randomUUID()}@tenfold.test`;
    for (let count = 0; count < 30; count += 1) await logIn(email, 'guess', `10.4.4.${count}`).expect(401);
    const waits = await Promise.all((await redis.keys('limit:attempts:*}')).map((key) => redis.hmget(key, 'attempts', 'notBefore')));
    const [, notBefore] = waits.find(([attempts]) => attempts === '30') ?? [];
    expect(Number(notBefore)).toBeGreaterThan((await clock()) - 60_000);
  });

  it('begin anew after a log-in', async () => {
    for (let round = 0; round < 3; round += 1) {
      for (let count = 0; count < 8; count += 1) await logIn(customer.email, 'guess', '10.7.7.7').expect(401);
      await logIn(customer.email, customer.password, '10.7.7.7').expect(201);
    }
  });

  it('cannot slip through by being made at once', async () => {
    const email = `${randomUUID()}@tenfold.test`;
    const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await logIn(email, 'guess')).status));
    // Ten, and perhaps one more if this takes longer than a second.
    expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(11);
  });
});
