import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { LoadtestError } from '../loadtest/loadtest.error.ts';

const howTo = `elasticity runs on Kubernetes, with the shop in it:
  export KUBECONFIG=…
  npm run deploy -- elasticity      (docs/autoscaling.md)`;

/** What a service's autoscaler and its pods say at one moment. */
export interface ServiceState {
  desired: number;
  /** Pods that are there, and those of them that take requests. */
  pods: number;
  ready: number;
  /** By metric, what one pod has on average: cores, requests, messages. */
  metrics: Record<string, number>;
}

/** The shop in Kubernetes, by the API server. */
export interface ClusterApi {
  autoscalers(): Promise<Autoscaler[]>;
  /** By service. */
  states(): Promise<Record<string, ServiceState>>;
  /** Resolves when all pods are new ones, and none of the old ones is left. */
  rollOut(service: string): Promise<void>;
  close(): void;
}

interface Metric {
  type: string;
  resource?: MetricValue & { name: string };
  pods?: MetricValue & { metric: { name: string } };
  external?: MetricValue & { metric: { name: string } };
}

interface MetricValue {
  current?: { averageValue?: string };
  target?: { averageValue?: string };
}

export interface Autoscaler {
  metadata: { name: string };
  spec: { minReplicas: number; maxReplicas: number; metrics: Metric[]; behavior: object };
  status: { desiredReplicas: number; currentMetrics?: Metric[]; conditions?: { type: string; status: string; message: string }[] };
}

interface Deployment {
  metadata: { name: string; generation: number };
  spec: { replicas: number };
  status: { replicas?: number; readyReplicas?: number; updatedReplicas?: number; observedGeneration?: number };
}

const suffixes: Readonly<Record<string, number>> = { n: 1e-9, u: 1e-6, m: 1e-3, k: 1e3, M: 1e6 };

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity, as far as autoscalers use it. */
export function readQuantity(text: string): number {
  const [, digits = '', suffix = ''] = /^([\d.]+)([numkM]?)$/.exec(text) ?? [];
  if (digits === '') throw new RangeError(`${text} is no quantity of an autoscaler`);
  return Number(digits) * (suffixes[suffix] ?? 1);
}

/** Values by the names of metrics. */
export function valuesOf(metrics: readonly Metric[], which: 'current' | 'target'): Record<string, number> {
  return Object.fromEntries(
    metrics.flatMap(({ resource, pods, external }) => {
      const name = resource?.name ?? pods?.metric.name ?? external?.metric.name ?? '';
      const value = (resource ?? pods ?? external)?.[which]?.averageValue;
      return value === undefined ? [] : [[name, readQuantity(value)]];
    }),
  );
}

/** @throws LoadtestError `no-kubernetes` without KUBECONFIG, kubectl or the shop */
export async function openClusterApi(namespace: string): Promise<ClusterApi> {
  if (process.env['KUBECONFIG'] === undefined) throw new LoadtestError('no-kubernetes', `There is no KUBECONFIG. ${howTo}`);
  // Whatever way of logging in KUBECONFIG names, kubectl knows it.
  const proxy = spawn('kubectl', ['proxy', '--port=0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const failed = (cause: unknown) => new LoadtestError('no-kubernetes', `kubectl proxy does not work: ${String(cause)}`);
  const said = await Promise.race([
    once(proxy.stdout, 'data').then(([data]) => String(data)),
    once(proxy, 'error').then(([error]) => Promise.reject(failed(error))),
    once(proxy.stderr, 'data').then(([data]) => Promise.reject(failed(data))),
  ]);
  const origin = `http://127.0.0.1:${/:(\d+)\s*$/.exec(said)?.[1]}`;

  const ask = async <Answer>(path: string, init?: RequestInit): Promise<Answer> => {
    const answer = await fetch(`${origin}${path}`, { ...init, signal: AbortSignal.timeout(10_000) });
    if (!answer.ok) throw new LoadtestError('no-kubernetes', `${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as Answer;
  };
  const podsOf = (service: string) => `/api/v1/namespaces/${namespace}/pods?labelSelector=${encodeURIComponent(`app.kubernetes.io/name=${service},app.kubernetes.io/component=service`)}`;
  const deployments = `/apis/apps/v1/namespaces/${namespace}/deployments`;
  const autoscalers = async () => (await ask<{ items: Autoscaler[] }>(`/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers`)).items;
  const api: ClusterApi = {
    autoscalers,
    async states() {
      const [scalers, { items }] = await Promise.all([autoscalers(), ask<{ items: Deployment[] }>(deployments)]);
      return Object.fromEntries(
        scalers.map(({ metadata: { name }, status: { desiredReplicas: desired, currentMetrics = [] } }) => {
          const { replicas: pods = 0, readyReplicas: ready = 0 } = items.find(({ metadata }) => metadata.name === name)?.status ?? {};
          return [name, { desired, pods, ready, metrics: valuesOf(currentMetrics, 'current') }];
        }),
      );
    },
    async rollOut(service) {
      // As `kubectl rollout restart` does.
      const body = JSON.stringify({ spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() } } } } });
      const { metadata } = await ask<Deployment>(`${deployments}/${service}`, { method: 'PATCH', body, headers: { 'content-type': 'application/strategic-merge-patch+json' } });
      for (;;) {
        const { spec, status } = await ask<Deployment>(`${deployments}/${service}`);
        const isNew = (status.observedGeneration ?? 0) >= metadata.generation && status.updatedReplicas === spec.replicas && status.readyReplicas === spec.replicas;
        // A Deployment does not count pods that still end what they have begun.
        if (isNew && (await ask<{ items: object[] }>(podsOf(service))).items.length === spec.replicas) return;
        await sleep(500);
      }
    },
    close: () => void proxy.kill(),
  };
  const found = await api.autoscalers().catch((error: unknown) => {
    api.close();
    throw error;
  });
  if (found.length > 0) return api;
  api.close();
  throw new LoadtestError('no-kubernetes', `There is no shop in the namespace ${namespace}. ${howTo}`);
}
