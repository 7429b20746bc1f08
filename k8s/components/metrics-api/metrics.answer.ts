import type { Pod } from './kubernetes.api.ts';
import { externalMetrics, podMetrics, windowSeconds } from './metric.window.ts';
import type { MetricWindow, PodMetric } from './metric.window.ts';

export interface Answer {
  status: number;
  body: object;
}

export interface AnswerContext {
  window: Pick<MetricWindow, 'meanOf' | 'lagOf'>;
  /** The only namespace that is asked about. */
  namespace: string;
  podsOf(labelSelector: string): Promise<readonly Pod[]>;
  now(): number;
}

const custom = 'custom.metrics.k8s.io/v1beta2';
const external = 'external.metrics.k8s.io/v1beta1';

/** A Kubernetes quantity, exact to a thousandth. */
const quantity = (value: number) => `${Math.round(value * 1000)}m`;

const failure = (status: number, reason: string, message: string): Answer => ({
  status,
  body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: status, reason, message },
});

const resources = (groupVersion: string, names: readonly string[], kind: string): Answer => ({
  status: 200,
  body: { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: names.map((name) => ({ name, singularName: '', namespaced: true, kind, verbs: ['get'] })) },
});

const list = (kind: string, apiVersion: string, items: readonly object[]): Answer => ({ status: 200, body: { kind, apiVersion, metadata: {}, items } });

/**
 * Answers what the autoscalers' controller asks: which metrics there are, the mean of one for each pod of a selector,
 * and the lag of a consumer group. https://github.com/kubernetes/design-proposals-archive/tree/main/instrumentation
 */
export async function answer(url: URL, context: AnswerContext): Promise<Answer> {
  const [, group, version, , namespace, ...rest] = url.pathname.slice(1).split('/').map(decodeURIComponent);
  const api = `${group}/${version}`;
  if (api !== custom && api !== external) return failure(404, 'NotFound', `nothing is served at ${url.pathname}`);
  if (namespace === undefined) {
    return api === custom ? resources(custom, podMetrics.map((name) => `pods/${name}`), 'MetricValueList') : resources(external, externalMetrics, 'ExternalMetricValueList');
  }
  const selector = url.searchParams.get('labelSelector') ?? '';
  const [first = '', pod, metric] = rest;
  if (namespace !== context.namespace) return failure(404, 'NotFound', `only the namespace ${context.namespace} is looked at`);
  if (api === external) return lag(first, selector, context);
  const known = podMetrics.find((name) => name === metric);
  if (first !== 'pods' || pod !== '*' || known === undefined) return failure(404, 'NotFound', `there is no ${rest.join('/')}`);
  return await means(known, selector, context);
}

async function means(metric: PodMetric, selector: string, { window, namespace, podsOf, now }: AnswerContext): Promise<Answer> {
  const pods = await podsOf(selector);
  const timestamp = new Date(now()).toISOString();
  const items = pods.flatMap(({ name }) => {
    const value = window.meanOf(name, metric, now());
    if (value === undefined) return [];
    return [{ describedObject: { kind: 'Pod', apiVersion: '/v1', namespace, name }, metric: { name: metric }, timestamp, windowSeconds, value: quantity(value) }];
  });
  return list('MetricValueList', custom, items);
}

function lag(metric: string, selector: string, { window, now }: AnswerContext): Answer {
  if (!externalMetrics.some((name) => name === metric)) return failure(404, 'NotFound', `there is no ${metric}`);
  const group = /^group==?([\w.-]+)$/.exec(selector)?.[1];
  if (group === undefined) return failure(400, 'BadRequest', `${metric} is told of a group=NAME, not of "${selector}"`);
  const value = window.lagOf(group, now());
  const items = value === undefined ? [] : [{ metricName: metric, metricLabels: { group }, timestamp: new Date(now()).toISOString(), value: quantity(value) }];
  return list('ExternalMetricValueList', external, items);
}
