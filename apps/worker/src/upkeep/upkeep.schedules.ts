import { archiveOrders, ensureOrderPartitions } from '@tenfold/contracts';
import type { Schedule } from '@tenfold/jobs';

/** What the worker adds by the clock, in UTC. Migrations have made the partitions of the first months. */
export const upkeepSchedules: readonly Schedule[] = [
  { name: 'order-partitions', cron: '10 2 * * *', job: ensureOrderPartitions, payload: {} },
  { name: 'archive-orders', cron: '40 2 * * *', job: archiveOrders, payload: {} },
];
