import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readDeclarations, startCluster } from '@tenfold/local-cluster';
import type { Cluster } from '@tenfold/local-cluster';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openMixLoad } from '../../loadtests/src/generator/mix-load.ts';
import type { MixLoad } from '../../loadtests/src/generator/mix-load.ts';
import { parseMetrics } from '../../loadtests/src/report/prometheus.ts';
import { accountEmail, PASSWORD } from '../../loadtests/src/seed/account.ts';
import { seedAll } from '../../loadtests/src/seed/seed.ts';
import { plainQuery } from './dashboard.ts';
import { dashboards } from './index.ts';
import { groupingOf, selectorsOf } from './selectors.ts';

const scale = 0.02;
const directory = '.tenfold/metrics-test';

/** Series of one replica; a label whose values are not bounded passes this within the run. */
const mostSeries = 3000;

interface Sample {
  metric: Record<string, string>;
  value: [number, string];
}

let cluster: Cluster;

/** The whole shop, with Prometheus, after half a minute of the mix. */
beforeAll(async () => {
  cluster = await startCluster({
    directory,
    with: ['metrics'],
    environment: { gateway: { LOGIN_LIMIT_PER_MINUTE: '1000', RATE_LIMIT_PER_MINUTE: '100000' } },
    beforeServices: ({ urls }) => seedAll({ urls, scale, onProgress: () => {} }),
  });
  await runMix(1);
  // Two readings of 5 s, the lag's own 10 s and the rules' 15 s lie between what happens and what can be asked for.
  await sleep(20_000);
}, 400_000);

afterAll(() => cluster.stop());

/** Passwords are hashed in threads that give way, so on a busy machine a log-in may take longer than its deadline. */
async function openLoad(seed: number, triesLeft = 5): Promise<MixLoad> {
  const options = {
    origin: cluster.urls.gateway,
    customers: Array.from({ length: 4 }, (_, index) => ({ email: accountEmail(seed * 10 + index), password: PASSWORD })),
    scale,
    run: randomUUID(),
    seed,
  };
  try {
    return await openMixLoad(options);
  } catch (error) {
    if (triesLeft === 0) throw error;
    return openLoad(seed, triesLeft - 1);
  }
}

async function runMix(seed: number): Promise<void> {
  const load = await openLoad(seed);
  try {
    await load.run({ rate: 40, seconds: 30 });
  } finally {
    await load.close();
  }
}

async function api<Data>(path: string, parameters: Record<string, string> = {}): Promise<Data> {
  const response = await fetch(`${cluster.urls.prometheus}/api/v1/${path}`, { method: 'POST', body: new URLSearchParams(parameters) });
  const { data, error } = (await response.json()) as { data: Data; error?: string };
  if (error !== undefined) throw new Error(`${JSON.stringify(parameters)}: ${error}`);
  return data;
}

const ask = async (query: string) => (await api<{ result: Sample[] }>('query', { query })).result;
const asked = (query: string, service = 'gateway') => plainQuery(query, { rate: '1m', service });

/** What of a query's metrics and labels nobody exports. */
async function unknownIn(query: string): Promise<string[]> {
  const unknown: string[] = [];
  for (const { metric, labels } of selectorsOf(query)) {
    if ((await ask(`count(${metric})`)).length === 0) unknown.push(metric);
    for (const label of labels) {
      if ((await ask(`count(${metric}{${label}!=""})`)).length === 0) unknown.push(`${metric}{${label}}`);
    }
  }
  return unknown;
}

/** What a query does not show: anything at all, or one of the labels it groups by. */
async function lacksOf(query: string): Promise<string[]> {
  const samples = (await ask(query)).filter(({ value }) => Number.isFinite(Number(value[1])));
  if (samples.length === 0) return [`no value: ${query}`];
  // With alternatives, one of them may have nothing to show.
  if (/\) or /.test(query)) return [];
  return groupingOf(query).filter((label) => !samples.some(({ metric }) => label in metric)).map((label) => `no ${label}: ${query}`);
}

/** `accounts` is asked when somebody logs in, which is over a minute ago when a panel looks back one. */
const busyServices = readDeclarations(fileURLToPath(new URL('../../apps', import.meta.url)))
  .map(({ name }) => name)
  .filter((name) => name !== 'accounts');

const panels = dashboards.flatMap(({ title, rows, byService }) => Object.values(rows).flat().map((panel) => ({ name: `${title}: ${panel.title}`, panel, byService })));

describe('every diagram', () => {
  it.each(panels)('$name shows something, by the labels it asks for', async ({ panel, byService }) => {
    const services = byService ? busyServices : ['gateway'];
    const queries = services.flatMap((service) => Object.values(panel.queries).map((query) => asked(query, service)));
    expect((await Promise.all(queries.map(lacksOf))).flat()).toEqual([]);
  });

  it('names only metrics and labels that are exported', async () => {
    const queries = panels.flatMap(({ panel }) => Object.values(panel.queries).map((query) => asked(query)));
    expect([...new Set((await Promise.all(queries.map(unknownIn))).flat())]).toEqual([]);
  });
});

describe('the rules', () => {
  interface Rule {
    name: string;
    query: string;
    health: string;
  }

  it('are evaluated, on metrics and labels that are exported', async () => {
    const response = await fetch(`${cluster.urls.prometheus}/api/v1/rules`);
    const { data } = (await response.json()) as { data: { groups: { rules: Rule[] }[] } };
    const rules = data.groups.flatMap((group) => group.rules);
    expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
    expect([...new Set((await Promise.all(rules.map(({ query }) => unknownIn(query)))).flat())]).toEqual([]);
  });
});

describe('the series of each replica', () => {
  const pageOf = async (url: string) => (await fetch(`${url}/metrics`)).text();
  const seriesOf = async (url: string) => parseMetrics(await pageOf(url));

  it('are of metrics that docs/metrics.md explains', async () => {
    const documented = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
    const pages = await Promise.all(Object.values(cluster.urls.operations).map(pageOf));
    const names = new Set(pages.flatMap((page) => [...page.matchAll(/^# TYPE (\w+)/gm)].map(([, name = '']) => name)));
    expect([...names].filter((name) => !/^(nodejs|process)_/.test(name) && !documented.includes(`\`${name}\``))).toEqual([]);
  });

  it('are few, and no label holds what an id, an address or a text of somebody could be', async () => {
    for (const url of Object.values(cluster.urls.operations)) {
      const samples = await seriesOf(url);
      expect(samples.length).toBeLessThan(mostSeries);
      const values = samples.flatMap(({ labels }) => Object.entries(labels).filter(([label]) => label !== 'le' && label !== 'version').map(([, value]) => value));
      expect(values.filter((value) => value.length > 60 || /\d{3}|@|[\da-f]{8}-/.test(value))).toEqual([]);
    }
  });

  it('become hardly more with other customers and products', async () => {
    const count = async () => (await Promise.all(Object.values(cluster.urls.operations).map(seriesOf))).flat().length;
    const before = await count();
    await runMix(2);
    expect(await count()).toBeLessThan(before * 1.1);
  }, 120_000);
});
