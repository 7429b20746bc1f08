import { logIn } from '../generator/log-in.ts';
import type { Found } from '../mix/mix.ts';
import { accountEmail, PASSWORD } from '../seed/account.ts';
import { LoadtestError } from './loadtest.error.ts';
import { orderReports } from './report.orders.ts';

export interface Shoppers {
  cookies: string[];
  found: Found[];
}

/** Logs customers in and has something made for each, so that all of the mix has something to do from its first second. */
export async function prepareShoppers(origin: string, customers: number): Promise<Shoppers> {
  const cookies = await logIn(origin, Array.from({ length: customers }, (_, index) => ({ email: accountEmail(index + 1), password: PASSWORD }))).catch((cause: Error) => {
    const hint = / 429 /.test(cause.message) ? '\nThe shop limits log-ins by address. Start it with: LOGIN_LIMIT_PER_MINUTE=10000 npm run cluster -- up' : '';
    throw new LoadtestError('no-log-in', `${cause.message}${hint}`, { cause });
  });
  const found: Found[] = [];
  found.push(...(await orderReports(origin, cookies)));
  return { cookies, found };
}
