import { setTimeout as sleep } from 'node:timers/promises';
import { sendReceipt } from '@tenfold/contracts';
import type { ClusterUrls } from '@tenfold/local-cluster';
import { request } from 'undici';
import { parseMetrics, sumOf } from './prometheus.ts';
import type { Sample } from './prometheus.ts';

/** What all replicas together have counted since they started. */
export interface ClusterCounters {
  /** Keys asked of caches, and how many of them memory or Redis had. */
  cacheRequests: number;
  cacheHits: number;
  /** Reads of the databases, and how many of them a replica answered. */
  reads: number;
  replicaReads: number;
  /** Jobs and events handled to the end. */
  jobsDone: number;
  /** Receipts that the mail sink has taken: one job each. */
  mails: number;
}

type Operations = Pick<ClusterUrls, 'operations'>;

export async function readCounters(urls: Operations): Promise<ClusterCounters> {
  return countersOf([...(await readMetrics(urls)).values()].flat());
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
    reads: sumOf(samples, 'database_reads_total'),
    replicaReads: sumOf(samples, 'database_reads_total', { node_role: 'replica' }),
    jobsDone: sumOf(samples, 'jobs_handled_total', { outcome: 'done' }),
    mails: sumOf(samples, 'jobs_handled_total', { topic: sendReceipt.topic, outcome: 'done' }),
  };
}

export function difference(after: ClusterCounters, before: ClusterCounters): ClusterCounters {
  const entries = Object.entries(after).map(([name, value]) => [name, value - before[name as keyof ClusterCounters]]);
  return Object.fromEntries(entries) as unknown as ClusterCounters;
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
