import { randomInt, randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startGateway } from '../gateway.fixture.ts';
import type { RunningGateway } from '../gateway.fixture.ts';

const servers = inject('servers');

describe('rate limits', () => {
  let gateways: RunningGateway[];
  // Addresses of nobody else's tests, as HAProxy would hand them over.
  const address = () => `10.${randomInt(256)}.${randomInt(256)}.${randomInt(256)}`;

  beforeAll(async () => {
    const environment = { SESSION_REDIS_URL: servers.sessionRedis, RATE_LIMIT_PER_MINUTE: '3', LOGIN_LIMIT_PER_MINUTE: '2', TRUSTED_PROXIES: 'loopback,192.0.2.0/24' };
    gateways = await Promise.all([startGateway(environment), startGateway(environment)]);
  });

  afterAll(async () => {
    await Promise.all(gateways.map((gateway) => gateway.close()));
    const redis = new Redis(servers.sessionRedis);
    // Not those of attempts at log-ins, about which another file is.
    const keys = [...(await redis.keys('limit:changes:*')), ...(await redis.keys('limit:log-in:*'))];
    if (keys.length > 0) await redis.del(...keys);
    redis.disconnect();
  });

  const attempt = (index: number, from: string) =>
    gateways[index % 2]?.browser().post('/v1/session').set('x-forwarded-for', from).send({ email: `${randomUUID()}@tenfold.test`, password: 'wrong' });

  it('count log-ins by address over all replicas', async () => {
    const from = address();
    const answers = [await attempt(0, from), await attempt(1, from), await attempt(0, from), await attempt(1, from)];
    expect(answers.map((answer) => answer?.status)).toEqual([401, 401, 429, 429]);
    expect(answers[3]?.body.type).toBe('/problems/too-many-requests');
    expect(Number(answers[3]?.headers['retry-after'])).toBeGreaterThan(0);
    expect(answers[1]?.headers['ratelimit']).toMatch(/^"log-in";r=0;t=\d+$/);
    expect(answers[1]?.headers['ratelimit-policy']).toBe('"log-in";q=2;w=60');
  });

  it('do not count one address for another', async () => {
    const from = address();
    await attempt(0, from);
    await attempt(0, from);
    expect((await attempt(0, address()))?.status).toBe(401);
  });

  it('count by the address that the last trusted proxy saw, whatever stands before it', async () => {
    const from = address();
    const statuses = [];
    for (const forged of ['198.51.100.1', '198.51.100.2', '10.0.0.1, 198.51.100.3', 'unknown']) {
      statuses.push((await attempt(0, `${forged}, ${from}, 192.0.2.7`))?.status);
    }
    expect(statuses).toEqual([401, 401, 429, 429]);
  });

  it('count an IPv6 network as one', async () => {
    const network = `2001:db8:${randomInt(65_536).toString(16)}:${randomInt(65_536).toString(16)}`;
    const statuses = [];
    for (const host of ['::1', ':a:b:c:d', '::2', '::3']) statuses.push((await attempt(0, network + host))?.status);
    expect(statuses).toEqual([401, 401, 429, 429]);
  });

  it('leave reads alone', async () => {
    const from = address();
    const reads = await Promise.all(
      Array.from({ length: 5 }, () => gateways[0]?.browser().get('/v1/products/7').set('x-forwarded-for', from)),
    );
    expect(reads.map((read) => read?.status)).toEqual([200, 200, 200, 200, 200]);
    expect(reads[0]?.headers['ratelimit']).toBeUndefined();
  });
});
