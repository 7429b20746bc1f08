import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';

/** What somebody logs in with. */
export interface Credentials {
  email: string;
  password: string;
}

/** Checking a password costs the server some 100 ms of CPU by intent, so only as many at a time as a machine has cores to spare. */
const AT_A_TIME = 2;

/**
 * Logs everybody in and returns their session cookies, `name=value` each, in the same order.
 * Throws with the server's own words when one is refused.
 */
export async function logIn(origin: string, credentials: readonly Credentials[]): Promise<string[]> {
  const pool = new Pool(origin, { connections: AT_A_TIME, allowH2: false });
  const cookies: string[] = [];
  const waiting = credentials.entries();
  const logInNext = async () => {
    for (const [index, one] of waiting) cookies[index] = await logInOne(pool, one);
  };
  try {
    await Promise.all(Array.from({ length: AT_A_TIME }, logInNext));
    return cookies;
  } finally {
    await pool.destroy();
  }
}

/** Hashing gives way to everything else, so a busy machine lets a log-in time out, or refuses it. */
const TRIES = 6;
const PAUSE_MS = 1000;

async function logInOne(pool: Pool, credentials: Credentials, triesLeft = TRIES - 1): Promise<string> {
  const { statusCode, headers, body } = await pool.request({
    path: '/v1/session',
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(credentials),
  });
  const text = await body.text();
  const [cookie] = [headers['set-cookie']].flat();
  const pair = cookie?.split(';', 1)[0];
  if (triesLeft > 0 && (statusCode === 503 || statusCode === 504)) {
    await sleep(PAUSE_MS);
    return logInOne(pool, credentials, triesLeft - 1);
  }
  if (statusCode !== 201 || pair === undefined) throw new Error(`${credentials.email} could not log in: ${statusCode} ${text}`);
  return pair;
}
