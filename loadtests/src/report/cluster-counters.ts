import { setTimeout as sleep } from 'node:timers/promises';
import { sendReceipt } from '@tenfold/contracts';
import type { ClusterUrls } from '@tenfold/local-cluster';
import { request } from 'undici';
import { parseMetrics, sumOf } from './prometheus.ts';
import type { Sample } from './prometheus.ts';

interface CacheCounters {
  requests: number;
  hits: number;
}

/** What all replicas together have counted since they started. */
export interface ClusterCounters {
  /** Keys asked of caches, and how many of them memory or Redis had. */
  cacheRequests: number;
  cacheHits: number;
  /** The same of each cache, by its name. */
  caches: Readonly<Record<string, CacheCounters>>;
  /** Reads that a replica may answer, and how many of them one did. */
  reads: number;
  replicaReads: number;
  /** Jobs and events handled to the end. */
  jobsDone: number;
  /** Attempts that failed and were put aside for a further one, and messages for which none was left. */
  jobsRetried: number;
  jobsDead: number;
  /** Receipts that the mail sink has taken: one job each. */
  mails: number;
}

/** How far what is done later is behind; as of the replicas' last look, 5 to 10 s ago. */
export interface Lag {
  /** Messages that consumers have not handled. */
  messages: number;
  /** Age of the oldest message that Kafka does not have yet. */
  outboxSeconds: number;
}

type Operations = Pick<ClusterUrls, 'operations'>;

export async function readCounters(urls: Operations): Promise<ClusterCounters> {
  return countersOf([...(await readMetrics(urls)).values()].flat());
}

export async function readLag(urls: Operations): Promise<Lag> {
  return lagOf([...(await readMetrics(urls)).values()].flat());
}

/** The metrics page of each replica, by its name. */
export async function readMetrics({ operations }: Operations): Promise<Map<string, Sample[]>> {
  const pages = Object.entries(operations).map(async ([replica, url]) => [replica, parseMetrics(await textOf(`${url}/metrics`))] as const);
  return new Map(await Promise.all(pages));
}

export function countersOf(samples: readonly Sample[]): ClusterCounters {
  const cache = (outcome?: string) => sumOf(samples, 'cache_requests_total', outcome === undefined ? {} : { outcome });
  return {
    cacheRequests: cache(),
    // What is known to be absent was kept as well.
    cacheHits: cache() - cache('load'),
    caches: cachesOf(samples),
    reads: sumOf(samples, 'database_reads_total') - sumOf(samples, 'database_reads_total', { node_role: 'asked-primary' }),
    replicaReads: sumOf(samples, 'database_reads_total', { node_role: 'replica' }),
    jobsDone: sumOf(samples, 'jobs_handled_total', { outcome: 'done' }),
    jobsRetried: sumOf(samples, 'jobs_handled_total', { outcome: 'retried' }),
    jobsDead: sumOf(samples, 'jobs_handled_total', { outcome: 'dead' }),
    mails: sumOf(samples, 'jobs_handled_total', { topic: sendReceipt.topic, outcome: 'done' }),
  };
}

/** Each member of a group tells of the whole group, and each replica of the whole outbox. */
export function lagOf(samples: readonly Sample[]): Lag {
  const largest = (of: readonly Sample[]) => of.reduce((most, { value }) => Math.max(most, value), 0);
  const lags = samples.filter(({ name }) => name === 'kafka_consumer_lag');
  const topics = Map.groupBy(lags, ({ labels }) => `${labels['group']}/${labels['topic']}`);
  return {
    messages: [...topics.values()].reduce((sum, ofTopic) => sum + largest(ofTopic), 0),
    outboxSeconds: largest(samples.filter(({ name }) => name === 'outbox_oldest_seconds')),
  };
}

function cachesOf(samples: readonly Sample[]): Record<string, CacheCounters> {
  const names = new Set(samples.filter(({ name }) => name === 'cache_requests_total').map(({ labels }) => labels['cache'] ?? ''));
  const countersOfCache = (cache: string): CacheCounters => {
    const requests = sumOf(samples, 'cache_requests_total', { cache });
    return { requests, hits: requests - sumOf(samples, 'cache_requests_total', { cache, outcome: 'load' }) };
  };
  return Object.fromEntries([...names].sort().map((cache) => [cache, countersOfCache(cache)]));
}

export function difference(after: ClusterCounters, before: ClusterCounters): ClusterCounters {
  const { caches, ...totals } = after;
  const entries = Object.entries(totals).map(([name, value]) => [name, value - before[name as keyof typeof totals]]);
  const ofCaches = Object.entries(caches).map(([cache, { requests, hits }]) => {
    const earlier = before.caches[cache] ?? { requests: 0, hits: 0 };
    return [cache, { requests: requests - earlier.requests, hits: hits - earlier.hits }];
  });
  return { ...(Object.fromEntries(entries) as Omit<ClusterCounters, 'caches'>), caches: Object.fromEntries(ofCaches) };
}

/** Waits until the jobs that the run left behind are done: until a second brings no further one, at most `withinMs`. */
export async function whenJobsAreDone(urls: Operations, withinMs: number): Promise<ClusterCounters> {
  const until = performance.now() + withinMs;
  let counters = await readCounters(urls);
  for (;;) {
    await sleep(1000);
    const next = await readCounters(urls);
    if (next.jobsDone === counters.jobsDone || performance.now() > until) return next;
    counters = next;
  }
}

async function textOf(url: string): Promise<string> {
  const { statusCode, body } = await request(url);
  const text = await body.text();
  if (statusCode !== 200) throw new Error(`${url} answered ${statusCode}: ${text.slice(0, 200)}`);
  return text;
}
