/** Parts of the cluster that are not ours; `postgresql` is all of its nodes. */
export const componentNames = ['postgresql', 'pgbouncer', 'session-redis', 'cache-redis', 'kafka', 'mail', 'haproxy'] as const;

export type ComponentName = (typeof componentNames)[number];
