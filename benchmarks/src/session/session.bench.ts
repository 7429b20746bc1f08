import { Health } from '@tenfold/service';
import { SessionStore } from '@tenfold/session';
import { RedisStore } from 'connect-redis';
import type { SessionData } from 'express-session';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { defineBench } from '../frame/bench.ts';
import type { Side } from '../frame/bench.ts';

/** Requests that a busy gateway has in hand at once. */
const inFlight = 64;
const sessions = 500;
const day = 86_400;
const account = { id: 'b7a3f3f0-5f0e-4a53-9d0b-6a1f5b8f3a11', email: 'ada@example.com', name: 'Ada Lovelace', role: 'customer' };
const device = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const cart = [[7, 2], [19, 1], [23_145, 3]] as const;

export default defineBench({
  title: `Loading a session and prolonging it, ${inFlight} in flight`,
  unit: 'session',
  reference: 'SessionStore.load',
  servers: ['session-redis'],
  roundMs: 600,
  warmUpMs: 4000,
  goals: [
    { measure: 'commands', of: 'SessionStore.load', atMost: 1.01 },
    { measure: 'wall', of: 'plain GET, in pipelines', to: 'SessionStore.load', atLeast: 0.8 },
    { measure: 'wall', of: 'plain GET', to: 'SessionStore.load', atLeast: 0.8 },
    { measure: 'wall', of: 'connect-redis: get, then touch', to: 'SessionStore.load', atLeast: 2 },
  ],
  async setUp({ urls, onEnd }) {
    const url = urls.sessionRedis ?? '';
    const store = new SessionStore({ redisUrl: url, idleSeconds: day, absoluteSeconds: 7 * day, keyPrefix: 'bench-session' }, new Health());
    await store.onModuleInit();
    onEnd(() => store.onApplicationShutdown());
    const ids = await Promise.all(
      Array.from({ length: sessions }, async () => {
        const { id } = await store.create({ account, device });
        for (const [product, quantity] of cart) await store.setCartItem(id, product, quantity);
        return id;
      }),
    );

    const redis = new Redis(url);
    onEnd(() => redis.disconnect());
    // As many bytes as a session has as JSON.
    const data = { cookie: { originalMaxAge: day * 1000 }, account, device, cart, positions: [] } as unknown as SessionData;
    for (const id of ids) await redis.set(`bench-plain:${id}`, JSON.stringify(data));

    const client = createClient({ url });
    await client.connect();
    onEnd(() => client.close());
    const other = new RedisStore({ client, prefix: 'bench-connect:', ttl: day });
    for (const id of ids) await other.set(id, data);

    const idOf = (unit: number) => ids[unit % sessions] as string;
    const counted = (run: (units: number) => Promise<number>): Side => ({
      async run(units) {
        await redis.config('RESETSTAT');
        const result = await run(units);
        const { calls, microseconds } = spentIn(await redis.info('commandstats'));
        return { result, measures: { commands: calls / units, 'µs in Redis': microseconds / units } };
      },
    });
    const side = (one: (unit: number) => Promise<boolean>): Side => counted((units) => inTurn(units, one));
    return {
      'SessionStore.load': side(async (unit) => (await store.load(idOf(unit)))?.cart.size === cart.length),
      'plain GET': side(async (unit) => (await redis.get(`bench-plain:${idOf(unit)}`)) !== null),
      'plain GET, in pipelines': counted(async (units) => {
        let found = 0;
        for (let start = 0; start < units; start += inFlight) {
          const pipeline = redis.pipeline();
          for (let unit = start; unit < Math.min(units, start + inFlight); unit += 1) pipeline.get(`bench-plain:${idOf(unit)}`);
          for (const [, value] of (await pipeline.exec()) ?? []) if (value !== null) found += 1;
        }
        return found;
      }),
      'connect-redis: get, then touch': side(async (unit) => {
        const session = (await other.get(idOf(unit))) as SessionData | null;
        if (session) await other.touch(idOf(unit), session);
        return session !== null;
      }),
    };
  },
});

/** How many commands Redis did since its statistics began anew, and how long it took. */
function spentIn(commandStatistics: string): { calls: number; microseconds: number } {
  let [calls, microseconds] = [0, 0];
  for (const [, name, count, time] of commandStatistics.matchAll(/^cmdstat_(\S+?):calls=(\d+),usec=(\d+)/gm)) {
    if (name === 'info' || name?.startsWith('config')) continue;
    calls += Number(count);
    microseconds += Number(time);
  }
  return { calls, microseconds };
}

/** Runs units, so many at once; how many found what they were to. */
async function inTurn(units: number, one: (unit: number) => Promise<boolean>): Promise<number> {
  let next = 0;
  let found = 0;
  const caller = async () => {
    while (next < units) if (await one(next++)) found += 1;
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  return found;
}
