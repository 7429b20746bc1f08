/** Parts of the cluster that are not ours; `postgresql` is all of its nodes. */
export const componentNames = ['postgresql', 'pgbouncer', 'session-redis', 'cache-redis', 'kafka', 'mail', 'haproxy'] as const;

export type ComponentName = (typeof componentNames)[number];

/** What runs beside the system only when it is asked for: `metrics` is Prometheus with the components' exporters, `traces` is Zipkin. */
export const extraNames = ['metrics', 'traces'] as const;

export type ExtraName = (typeof extraNames)[number];
