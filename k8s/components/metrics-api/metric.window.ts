/** One line of a metrics page. */
export interface Sample {
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

/** Gauges of each pod by which autoscalers go. */
export const podMetrics = ['call_server_in_flight', 'http_server_in_flight', 'password_queue_size'] as const;
export type PodMetric = (typeof podMetrics)[number];

/** What autoscalers go by that is not one pod's own. */
export const externalMetrics = ['kafka_consumer_lag'] as const;

/** Gauges jump from one moment to the next: what is told of a pod is its mean of so long. */
export const windowSeconds = 30;

/** Messages in topics of retries wait on purpose. */
const ofRetries = /\.retry\.\d+$/;

// Read as loadtests/src/report/prometheus.ts does; here again, since Node runs these files as they lie in a ConfigMap.
const served = new Set<string>([...podMetrics, ...externalMetrics]);
const line = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const label = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** What is served of a metrics page: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format */
export function readSamples(page: string): Sample[] {
  return page.split('\n').flatMap((row) => {
    const [, name = '', labels = '', value] = line.exec(row) ?? [];
    if (!served.has(name)) return [];
    return [{ name, labels: Object.fromEntries([...labels.matchAll(label)].map(([, key = '', text = '']) => [key, text])), value: Number(value) }];
  });
}

interface Reading {
  /** Epoch milliseconds. */
  at: number;
  samples: readonly Sample[];
}

/** The last half minute of all pods. */
export class MetricWindow {
  readonly #readings = new Map<string, Reading[]>();

  /** Adds what pods said just now, by their names; those that are not among `pods` any more are forgotten. */
  add(pods: readonly string[], pages: ReadonlyMap<string, readonly Sample[]>, now: number): void {
    for (const pod of this.#readings.keys()) if (!pods.includes(pod)) this.#readings.delete(pod);
    for (const [pod, samples] of pages) this.#readings.set(pod, [...this.#recent(pod, now), { at: now, samples }]);
  }

  /** Mean of a gauge of a pod, all of its labels summed; undefined when the pod has not told it within the window. */
  meanOf(pod: string, metric: PodMetric, now: number): number | undefined {
    const values = this.#recent(pod, now).flatMap(({ samples }) => {
      const found = samples.filter(({ name }) => name === metric);
      return found.length === 0 ? [] : [sum(found.map(({ value }) => value))];
    });
    return values.length === 0 ? undefined : sum(values) / values.length;
  }

  /** Messages that a group has not handled, in all topics but those of retries; undefined when no pod knows the group. */
  lagOf(group: string, now: number): number | undefined {
    // Each member tells of the whole group, so the largest of their last words counts.
    const topics = new Map<string, number>();
    for (const pod of this.#readings.keys()) {
      for (const { name, labels, value } of this.#recent(pod, now).at(-1)?.samples ?? []) {
        const { topic = '' } = labels;
        if (name !== 'kafka_consumer_lag' || labels['group'] !== group || ofRetries.test(topic)) continue;
        topics.set(topic, Math.max(topics.get(topic) ?? 0, value));
      }
    }
    return topics.size === 0 ? undefined : sum([...topics.values()]);
  }

  #recent(pod: string, now: number): Reading[] {
    return (this.#readings.get(pod) ?? []).filter(({ at }) => at > now - windowSeconds * 1000);
  }
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
