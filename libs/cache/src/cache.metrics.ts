import { counter, gauge } from '@tenfold/telemetry';

/**
 * `memory`: this process had it, or was loading it already; `redis`: Redis had it; `load`: the source was asked;
 * `negative`: known, from either level, that the source has nothing; `stale`: an old value served because the source, asked
 * (and counted) before, had failed.
 */
export type CacheOutcome = 'memory' | 'redis' | 'load' | 'negative' | 'stale';

export const cacheRequests = counter({
  name: 'cache_requests_total',
  help: 'Keys asked of a cache by where the answer came from.',
  labelNames: ['cache', 'outcome'],
});

export type CacheCounters = Readonly<Record<CacheOutcome, { inc(count?: number): void }>>;

/** One counter for each outcome of a cache, so that counting looks nothing up. */
export function countersOf(cache: string): CacheCounters {
  const counterOf = (outcome: CacheOutcome) => cacheRequests.labels({ cache, outcome });
  return { memory: counterOf('memory'), redis: counterOf('redis'), load: counterOf('load'), negative: counterOf('negative'), stale: counterOf('stale') };
}

export const cacheRefreshes = counter({
  name: 'cache_refreshes_total',
  help: 'Values that were loaded anew before their end, so that nobody has to wait at it.',
  labelNames: ['cache', 'outcome'],
});

export const cacheGarbage = counter({
  name: 'cache_garbage_total',
  help: 'Entries in Redis that were none of the cache, and were replaced.',
  labelNames: ['cache'],
});

export const cacheRedisErrors = counter({
  name: 'cache_redis_errors_total',
  help: 'Operations of the caches that Redis refused or did not answer in time.',
  labelNames: ['operation'],
});

for (const operation of ['read', 'fill', 'forget']) cacheRedisErrors.inc({ operation }, 0);

/** Shows, whenever metrics are read, how many entries each cache holds in memory. */
export function measureEntries(caches: () => Iterable<{ name: string; size: number }>): void {
  gauge({
    name: 'cache_memory_entries',
    help: 'Entries that a cache holds in memory.',
    labelNames: ['cache'],
    collect: (entries) => {
      for (const { name, size } of caches()) entries.set({ cache: name }, size);
    },
  });
}
