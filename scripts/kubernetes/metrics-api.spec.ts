import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { KubernetesApi } from '../../k8s/components/metrics-api/kubernetes.api.ts';
import { MetricWindow, externalMetrics, podMetrics, readSamples, windowSeconds } from '../../k8s/components/metrics-api/metric.window.ts';
import { answer } from '../../k8s/components/metrics-api/metrics.answer.ts';
import { kubectl } from './kubectl.ts';
import { findKubectl, findKustomize, ofKind, readManifests, renderText, root } from './manifests.ts';

const page = (values: Record<string, number>) => readSamples(Object.entries(values).map(([series, value]) => `${series} ${value}`).join('\n'));

describe('the window of the metrics API', () => {
  let window: MetricWindow;
  beforeEach(() => {
    window = new MetricWindow();
  });
  const read = (at: number, pages: Record<string, Record<string, number>>) =>
    window.add(Object.keys(pages), new Map(Object.entries(pages).map(([pod, values]) => [pod, page(values)])), at);

  test("a gauge's mean is that of half a minute, of each pod by itself", () => {
    for (const [at, a] of [[0, 1000], [10_000, 4], [20_000, 8], [35_000, 30]] as const) read(at, { a: { http_server_in_flight: a }, b: { http_server_in_flight: 2 } });

    expect(window.meanOf('a', 'http_server_in_flight', 35_000)).toBe(14);
    expect(window.meanOf('b', 'http_server_in_flight', 35_000)).toBe(2);
  });

  test('of what a pod does not tell, or has not told for half a minute, there is no mean', () => {
    read(0, { a: { call_server_in_flight: 5 } });

    expect(window.meanOf('a', 'http_server_in_flight', 1_000)).toBeUndefined();
    expect(window.meanOf('b', 'call_server_in_flight', 1_000)).toBeUndefined();
    expect(window.meanOf('a', 'call_server_in_flight', windowSeconds * 1000)).toBeUndefined();
  });

  test('a pod that is gone is forgotten', () => {
    read(0, { a: { call_server_in_flight: 5 } });
    read(1_000, { b: { call_server_in_flight: 5 } });

    expect(window.meanOf('a', 'call_server_in_flight', 1_000)).toBeUndefined();
  });

  test("a group's lag is the largest last word of its members, over all topics but those of retries, and of no other group", () => {
    const lag = (topic: string, group = 'worker') => `kafka_consumer_lag{group="${group}",topic="${topic}"}`;
    read(0, { a: { [lag('orders')]: 900 }, b: { [lag('orders')]: 900 } });
    read(10_000, {
      a: { [lag('orders')]: 70, [lag('orders.retry.1')]: 1000, [lag('prices', 'catalog')]: 1000 },
      b: { [lag('orders')]: 90, [lag('mails')]: 10 },
    });

    expect(window.lagOf('worker', 10_000)).toBe(100);
    expect(window.lagOf('nobody', 10_000)).toBeUndefined();
  });
});

describe('the answers of the metrics API', () => {
  const context = {
    window: { meanOf: (pod: string) => (pod === 'a' ? 2.5 : undefined), lagOf: (group: string) => (group === 'worker' ? 12 : undefined) },
    namespace: 'shop',
    podsOf: async () => ['a', 'b'].map((name) => ({ name, operations: undefined })),
    now: () => 0,
  };
  const ask = (path: string) => answer(new URL(path, 'https://metrics-api'), context);

  test('pods that have a value are told with it, in thousandths', async () => {
    // With the star as the controller's client writes it.
    const { status, body } = await ask('/apis/custom.metrics.k8s.io/v1beta2/namespaces/shop/pods/%2A/http_server_in_flight?labelSelector=app%3Dgateway');

    expect(status).toBe(200);
    expect(body).toMatchObject({ kind: 'MetricValueList', items: [{ describedObject: { kind: 'Pod', namespace: 'shop', name: 'a' }, value: '2500m' }] });
  });

  test("a group's lag is told, and of a group that nobody knows nothing", async () => {
    const lag = async (group: string) => (await ask(`/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/kafka_consumer_lag?labelSelector=group%3D${group}`)).body;

    expect(await lag('worker')).toMatchObject({ kind: 'ExternalMetricValueList', items: [{ metricName: 'kafka_consumer_lag', value: '12000m' }] });
    expect(await lag('nobody')).toMatchObject({ items: [] });
  });

  test.for([
    '/apis/custom.metrics.k8s.io/v1beta2/namespaces/shop/pods/*/heap_bytes',
    '/apis/custom.metrics.k8s.io/v1beta2/namespaces/other/pods/*/http_server_in_flight',
    '/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/queue_size',
    '/apis/custom.metrics.k8s.io/v1beta1',
  ])('%s is not found', async (path) => {
    expect(await ask(path)).toMatchObject({ status: 404, body: { kind: 'Status', code: 404 } });
  });

  test('each API says which metrics it has', async () => {
    const names = async (path: string) => ((await ask(path)).body as { resources: { name: string }[] }).resources.map(({ name }) => name);

    expect(await names('/apis/custom.metrics.k8s.io/v1beta2')).toEqual(podMetrics.map((name) => `pods/${name}`));
    expect(await names('/apis/external.metrics.k8s.io/v1beta1')).toEqual(externalMetrics);
  });
});

const kustomize = findKustomize();

test.skipIf(!kustomize)('the metrics API serves what the shipped autoscalers go by, and so does prometheus-adapter', () => {
  const manifests = readManifests(renderText(kustomize ?? [], join(root, 'k8s/overlays/production')));
  const metrics = ofKind(manifests, 'HorizontalPodAutoscaler').flatMap(({ spec }) => spec.metrics);
  const asked = (of: (string | undefined)[]) => [...new Set(of.filter((name) => name !== undefined))].sort();
  const values = parse(readFileSync(join(root, 'k8s/overlays/production/adapter-values.yaml'), 'utf8')) as { rules: Record<'custom' | 'external', { seriesQuery: string; metricsQuery: string }[]> };
  const ofAdapter = (rules: readonly { seriesQuery: string }[]) => rules.flatMap(({ seriesQuery }) => /__name__=~?"([^"]+)"/.exec(seriesQuery)?.[1]?.split('|') ?? []).sort();

  expect(asked(metrics.map(({ pods }) => pods?.metric.name))).toEqual(podMetrics);
  expect(asked(metrics.map(({ external }) => external?.metric.name))).toEqual(externalMetrics);
  expect(ofAdapter(values.rules.custom)).toEqual(podMetrics);
  expect(ofAdapter(values.rules.external)).toEqual(externalMetrics);
  expect(values.rules.custom[0]?.metricsQuery).toContain(`[${windowSeconds}s]`);
});

describe.skipIf(process.env['KUBECONFIG'] === undefined || findKubectl() === undefined)('with an API server', () => {
  const namespace = `metrics-api-${randomUUID().slice(0, 8)}`;
  let proxy: ChildProcess;
  let api: KubernetesApi;
  let pod: Server;

  beforeAll(async () => {
    await kubectl(['create', 'namespace', namespace]);
    proxy = spawn(findKubectl() ?? '', ['proxy', '--port=0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(proxy.stdout ?? process.stdin, 'data')) as [Buffer];
    const port = /:(\d+)\s*$/.exec(line.toString())?.[1];
    api = new KubernetesApi(`http://127.0.0.1:${port}`);
    pod = createServer((_, response) => response.end('http_server_in_flight 7\n')).listen(0, '127.0.0.1');
    await once(pod, 'listening');
  });
  afterEach(() => kubectl(['delete', 'pods', '--all', '-n', namespace, '--grace-period=0', '--force']));
  afterAll(async () => {
    proxy.kill();
    pod.close();
    await kubectl(['delete', 'namespace', namespace, '--wait=false']);
  });

  test('pods are found by their labels, with where their operations port is', async () => {
    const { port } = pod.address() as AddressInfo;
    // Of a scheduler that there is not, so that nothing but this test says where it runs.
    const manifest = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'gateway-1', namespace, labels: { app: 'gateway' } },
      spec: { schedulerName: 'nobody', automountServiceAccountToken: false, containers: [{ name: 'service', image: 'none', ports: [{ name: 'operations', containerPort: port }] }] },
    };
    await kubectl(['apply', '-f', '-'], JSON.stringify(manifest));
    expect(await api.pods(namespace, 'app=gateway')).toEqual([{ name: 'gateway-1', operations: undefined }]);
    await kubectl(['patch', 'pod', 'gateway-1', '-n', namespace, '--subresource=status', '--type=merge', '-p', '{"status":{"podIP":"127.0.0.1","podIPs":[{"ip":"127.0.0.1"}]}}']);

    const [found] = await api.pods(namespace, 'app=gateway');
    const said = await (await fetch(`${found?.operations}/metrics`)).text();

    expect(readSamples(said)).toEqual([{ name: 'http_server_in_flight', labels: {}, value: 7 }]);
    expect(await api.pods(namespace, 'app=catalog')).toEqual([]);
  });

  test("the API server's own certificate is known by its authority", async () => {
    const { authority, names } = await api.frontProxy();

    expect(authority).toContain('BEGIN CERTIFICATE');
    expect(names).toEqual(expect.any(Array));
  });
});
