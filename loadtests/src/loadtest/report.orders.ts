import { Pool } from 'undici';
import type { Found } from '../mix/mix.ts';
import { LoadtestError } from './loadtest.error.ts';

const DAY_MS = 86_400_000;

/** Has a report of a week made for each customer, so that there is one to look at. */
export async function orderReports(origin: string, cookies: readonly string[]): Promise<Found[]> {
  const pool = new Pool(origin, { connections: 2, allowH2: false });
  const dayOf = (daysAgo: number) => new Date(Date.now() - daysAgo * DAY_MS).toISOString().slice(0, 10);
  const order = async (cookie: string, customer: number): Promise<Found> => {
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
