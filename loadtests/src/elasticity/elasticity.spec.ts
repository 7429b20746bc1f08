import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Mix } from '../mix/mix.ts';
import { openClusterApi, readQuantity, valuesOf } from './cluster.api.ts';
import { elasticityChart } from './elasticity.chart.ts';
import { reactionsTo } from './elasticity.result.ts';
import type { ElasticitySample } from './elasticity.result.ts';
import { SteeredLoad } from './steered.load.ts';

describe('readQuantity', () => {
  it.for([
    ['180m', 0.18],
    ['12', 12],
    ['1k', 1000],
    ['250n', 2.5e-7],
  ] as const)('reads %s', ([text, value]) => {
    expect(readQuantity(text)).toBeCloseTo(value, 12);
  });
});

describe('valuesOf', () => {
  it('names each metric of an autoscaler, and leaves out what has no value yet', () => {
    const metrics = [
      { type: 'Resource', resource: { name: 'cpu', current: { averageValue: '90m' }, target: { averageValue: '180m' } } },
      { type: 'Pods', pods: { metric: { name: 'in_flight' }, target: { averageValue: '20' } } },
    ];
    expect(valuesOf(metrics, 'current')).toEqual({ cpu: 0.09 });
    expect(valuesOf(metrics, 'target')).toEqual({ cpu: 0.18, in_flight: 20 });
  });
});

const state = (desired: number, ready: number, pods = ready) => ({ desired, ready, pods, metrics: {} });

/** A look every two seconds: phase, then what the gateway has; the catalog has one pod all the time. */
const samplesOf = (looks: readonly (readonly [string, number, number])[]): ElasticitySample[] =>
  looks.map(([phase, desired, ready], index) => ({ second: index * 2, phase, rate: 1, answered: 1, failed: 0, refused: 0, p95: 1, services: { gateway: state(desired, ready), catalog: state(1, 1) } }));

describe('reactionsTo', () => {
  it('counts from the spike until pods are wanted and ready, and from its end until they are gone', () => {
    const samples = samplesOf([
      ['before', 1, 1], ['ramp', 1, 1], ['spike', 1, 1], ['spike', 2, 1], ['spike', 3, 2], ['spike', 3, 3],
      ['after spike', 3, 3], ['after spike', 2, 3], ['after spike', 1, 2], ['after spike', 1, 1], ['rollout gateway', 1, 2],
    ]);
    expect(reactionsTo('spike', samples)).toEqual([{ surge: 'spike', service: 'gateway', before: 1, most: 3, decided: 2, firstReady: 4, allReady: 6, fewerWanted: 4, allGone: 8 }]);
  });

  it('begins with the pods that the ramp had brought already', () => {
    const samples = samplesOf([['before', 1, 1], ['ramp', 2, 2], ['spike', 2, 2], ['spike', 3, 2], ['spike', 3, 3], ['after spike', 3, 3]]);
    expect(reactionsTo('spike', samples)).toEqual([{ surge: 'spike', service: 'gateway', before: 2, most: 3, decided: 2, firstReady: 4, allReady: 4, fewerWanted: undefined, allGone: undefined }]);
  });

  it('counts each surge by itself', () => {
    const samples = samplesOf([
      ['before', 1, 1], ['spike', 1, 1], ['spike', 2, 2], ['after spike', 2, 2], ['after spike', 1, 1],
      ['before backlog', 1, 1], ['backlog', 1, 1], ['backlog', 3, 1], ['after backlog', 3, 3], ['after backlog', 1, 1],
    ]);
    expect(reactionsTo('spike', samples)).toEqual([{ surge: 'spike', service: 'gateway', before: 1, most: 2, decided: 2, firstReady: 2, allReady: 2, fewerWanted: 4, allGone: 4 }]);
    expect(reactionsTo('backlog', samples)).toEqual([{ surge: 'backlog', service: 'gateway', before: 1, most: 3, decided: 2, firstReady: 4, allReady: 4, fewerWanted: 4, allGone: 4 }]);
  });

  it('leaves out autoscalers that had nothing to do', () => {
    expect(reactionsTo('spike', samplesOf([['ramp', 1, 1], ['spike', 1, 1], ['after spike', 1, 1]]))).toEqual([]);
  });
});

describe('the chart', () => {
  it('draws load, pods and metrics of what was scaled, and nothing that is no number', () => {
    const samples = samplesOf([['before', 1, 1], ['spike', 2, 1], ['spike', 2, 2]]);
    const phase = { requests: 1, failed: 0, refused: 0, p50: 1, p95: 1, p99: 1, errors: [] };
    const svg = elasticityChart({
      version: 1,
      at: '',
      commit: '',
      machine: { cores: 2, cpu: '', memoryMebibytes: 1, platform: '', node: '' },
      settings: { rate: 1, seconds: 1, scale: 1, customers: 1 },
      autoscalers: [{ service: 'gateway', minReplicas: 1, maxReplicas: 3, targets: { cpu: 0.18 }, behavior: {} }],
      phases: [{ name: 'before', from: 0, to: 2, ...phase }, { name: 'spike', from: 2, to: 4, ...phase }],
      reactions: reactionsTo('spike', samples),
      samples,
    });
    expect([...svg.matchAll(/font-weight="600">([^<]*)</g)].map(([, title]) => title)).toEqual(['requests/s', 'p95, ms', 'gateway, pods', 'gateway, cpu']);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });
});

/** Answers until the test has ended. @returns where */
async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Nothing but requests for one path. */
function mixOf(path: string): Mix {
  const traffic = { share: 1, targets: {}, by: 'everybody' as const, open: () => () => ({ endpoint: `GET ${path}`, method: 'GET' as const, path, headers: {}, expected: [200], readsBody: false }) };
  return new Mix({ scale: 1, cookies: ['a=b'], run: 'r', seed: 1, traffics: [traffic] });
}

describe('SteeredLoad', () => {
  it('asks for what the mix of the moment plans', async () => {
    const paths: string[] = [];
    const origin = await serve((request, response) => {
      paths.push(request.url ?? '');
      response.end('{}');
    });
    const load = new SteeredLoad(origin, mixOf('/first'));
    const first = load.enter(() => 200);
    await vi.waitUntil(() => first.answered >= 5, { timeout: 20_000 });
    const second = load.enter(() => 200, mixOf('/second'));
    await vi.waitUntil(() => second.answered >= 5, { timeout: 20_000 });
    await load.stop();

    expect(paths.indexOf('/second')).toBeGreaterThanOrEqual(5);
    expect(paths.lastIndexOf('/first')).toBeLessThan(paths.length - 5);
  });

  it('sends at the rate of the moment, each request by a new connection, and tells refusals from other errors', async () => {
    const connections = new Set<number | undefined>();
    let requests = 0;
    const statuses = [200, 503, 500];
    const origin = await serve((request, response) => {
      connections.add(request.socket.remotePort);
      response.statusCode = statuses[requests++ % statuses.length] ?? 200;
      response.end('{}');
    });
    const load = new SteeredLoad(origin, mixOf('/'));
    let rate = 0;
    const measurements = load.enter(() => rate);
    rate = 500;
    await vi.waitUntil(() => measurements.answered >= 60, { timeout: 20_000 });
    await load.stop();

    expect(requests).toBe(measurements.answered);
    expect(connections.size).toBe(requests);
    expect(Math.abs(measurements.errors - (2 * requests) / 3)).toBeLessThan(2);
    expect(Math.abs(measurements.refused - requests / 3)).toBeLessThan(2);
  });
});

describe('openClusterApi', () => {
  it('says what to do when there is no KUBECONFIG', async () => {
    vi.stubEnv('KUBECONFIG', undefined);
    onTestFinished(() => void vi.unstubAllEnvs());
    await expect(openClusterApi('tenfold')).rejects.toThrow(/no KUBECONFIG.*\n.*\n.*npm run deploy -- elasticity/);
  });
});
