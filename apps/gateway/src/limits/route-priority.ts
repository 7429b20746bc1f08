import type { Priority } from '@tenfold/service';

/** What a shopper can do without for a minute, what the shop lives on, and what takes long by its nature. */
const priorities: Readonly<Record<string, Priority | 'exempt'>> = {
  'GET /v1/products': 'low',
  'POST /v1/reports': 'low',
  'POST /v1/session': 'high',
  'POST /v1/accounts': 'high',
  'POST /v1/orders': 'high',
  'GET /v1/reports/:id/events': 'exempt',
  'GET /v1/reports/:id/file': 'exempt',
  'PUT /v1/account/picture': 'exempt',
};

/** Who is refused first when there is too much to do. */
export function priorityOf(method: string, route: string): Priority | 'exempt' {
  return priorities[`${method} ${route}`] ?? 'normal';
}
