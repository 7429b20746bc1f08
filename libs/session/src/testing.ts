import type { Redis } from 'ioredis';
import { Packr } from 'msgpackr';
import { decodeRecord } from './session.record.ts';
import type { SessionRecord } from './session.record.ts';

const codec = new Packr({ useRecords: false, moreTypes: false });

/** A session as Redis holds it, or undefined for what is none. */
export async function storedSession(redis: Redis, key: string): Promise<{ handle: string; device: string } | undefined> {
  const record = await recordAt(redis, key);
  return record && { handle: record[2], device: record[3] };
}

/** Lets a session look as if it had begun, and had been used, so many seconds ago; by the clock of Redis. */
export async function ageSession(redis: Redis, key: string, ago: { began: number; used: number; idleSeconds: number }): Promise<void> {
  const record = await recordAt(redis, key);
  if (!record) throw new Error(`${key} holds no session.`);
  record[4] = Number((await redis.time())[0]) * 1000 - ago.began * 1000;
  record[5] = record[4];
  await redis.set(key, codec.pack(record), 'PX', Math.max(1, Math.round((ago.idleSeconds - ago.used) * 1000)));
}

/** Puts something else in place of an element of a session; its end stays. */
export async function spoilSession(redis: Redis, key: string, index: number, element: unknown): Promise<void> {
  const record: unknown[] = [...((await recordAt(redis, key)) ?? [])];
  record[index] = element;
  await redis.set(key, codec.pack(record), 'KEEPTTL');
}

async function recordAt(redis: Redis, key: string): Promise<SessionRecord | undefined> {
  const value = await redis.getBuffer(key).catch(() => null);
  return value ? decodeRecord(value) : undefined;
}
