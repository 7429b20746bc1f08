import { Pool } from 'undici';
import { logIn } from '../generator/log-in.ts';
import type { KnownReport } from '../mix/mix.ts';
import { accountEmail, PASSWORD } from '../seed/account.ts';
import { LoadtestError } from './loadtest.error.ts';

export interface Shoppers {
  cookies: string[];
  reports: KnownReport[];
}

const DAY_MS = 86_400_000;

/** Logs customers in and has a report made for each, so that all of the mix has something to do from its first second. */
export async function prepareShoppers(origin: string, customers: number): Promise<Shoppers> {
  const cookies = await logIn(origin, Array.from({ length: customers }, (_, index) => ({ email: accountEmail(index + 1), password: PASSWORD }))).catch((cause: Error) => {
    const hint = / 429 /.test(cause.message) ? '\nThe shop limits log-ins by address. Start it with: LOGIN_LIMIT_PER_MINUTE=10000 npm run cluster -- up' : '';
    throw new LoadtestError('no-log-in', `${cause.message}${hint}`, { cause });
  });
  return { cookies, reports: await orderReports(origin, cookies) };
}

async function orderReports(origin: string, cookies: readonly string[]): Promise<KnownReport[]> {
  const pool = new Pool(origin, { connections: 2, allowH2: false });
  const dayOf = (daysAgo: number) => new Date(Date.now() - daysAgo * DAY_MS).toISOString().slice(0, 10);
  const order = async (cookie: string, customer: number): Promise<KnownReport> => {
    const { statusCode, body } = await pool.request({
      method: 'POST',
      path: '/v1/reports',
      headers: { cookie, 'content-type': 'application/json' },
      body: JSON.stringify({ kind: 'sales-by-month', from: dayOf(40), to: dayOf(34) }),
    });
    const text = await body.text();
    if (statusCode !== 202) throw new LoadtestError('no-log-in', `A report could not be ordered: ${statusCode} ${text}`);
    return { id: (JSON.parse(text) as { id: string }).id, customer };
  };
  try {
    return await Promise.all(cookies.map(order));
  } finally {
    await pool.destroy();
  }
}
