import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { CounterConfiguration, GaugeConfiguration, HistogramConfiguration, Metric } from 'prom-client';
import { metricsEnabled } from './metrics.switch.ts';
import { RecordedCounter } from './recorded.counter.ts';
import { RecordedHistogram } from './recorded.histogram.ts';

/** Every metric of this process; `/metrics` on the operations port prints it. */
export const registry = new Registry();

/**
 * Seconds, for histograms of anything a caller waits for: fine around the 200 ms target, coarse beyond.
 * Each bucket is one time series per label combination, so add none without need.
 */
export const durationBuckets: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2.5, 5, 10,
];

type Options<Configuration> = Omit<Configuration, 'registers' | 'labelNames'>;

/**
 * Seconds, for one round trip to a server nearby, such as a statement or a Redis command: a tenth of what a caller
 * waits for in all.
 */
export const roundTripBuckets: readonly number[] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];

/** Label values must come from small closed sets (a route template, never a path): each combination is a time series. */
interface Labelled<Label extends string> {
  labelNames?: readonly Label[];
}

export type CounterOptions<Label extends string> = Options<CounterConfiguration<Label>> & Labelled<Label>;
export type GaugeOptions<Label extends string> = Options<Omit<GaugeConfiguration<Label>, 'collect'>> &
  Labelled<Label> & {
    /**
     * Sets the gauge when it is read, so that nothing is spent in between.
     * Every caller that passes one is asked, for as long as the process lives.
     */
    collect?: (gauge: Gauge<Label>) => void | Promise<void>;
  };
export type HistogramOptions<Label extends string> = Omit<Options<HistogramConfiguration<Label>>, 'buckets'> &
  Labelled<Label> & {
    /** Upper bounds. Default {@link durationBuckets}, in seconds. */
    buckets?: readonly number[];
  };

type Collect = (gauge: Gauge) => void | Promise<void>;
const collectors = new WeakMap<Metric, Collect[]>();

/**
 * The counter of that name, made at the first call.
 *
 * @throws Error when the name belongs to a metric of another type or with other labels
 */
export function counter<Label extends string = never>(options: CounterOptions<Label>): Counter<Label> {
  return getOrCreate(Counter<Label>, options, () => switched(new RecordedCounter<Label>({ ...options, registers: [registry] })));
}

/**
 * The gauge of that name, made at the first call.
 *
 * @throws Error when the name belongs to a metric of another type or with other labels
 */
export function gauge<Label extends string = never>({ collect, ...options }: GaugeOptions<Label>): Gauge<Label> {
  const metric = getOrCreate(Gauge<Label>, options, () => {
    const asked: Collect[] = [];
    const created: Gauge<Label> = new Gauge<Label>({
      ...options,
      registers: [registry],
      async collect() {
        if (metricsEnabled) for (const ask of asked) await ask(created as Gauge);
      },
    });
    collectors.set(created as Metric, asked);
    return created;
  });
  if (collect) collectors.get(metric as Metric)?.push(collect as Collect);
  return metric;
}

/**
 * The histogram of that name, made at the first call.
 *
 * @throws Error when the name belongs to a metric of another type or with other labels
 */
export function histogram<Label extends string = never>(options: HistogramOptions<Label>): Histogram<Label> {
  return getOrCreate(
    Histogram<Label>,
    options,
    () => switched(new RecordedHistogram<Label>({ ...options, buckets: [...(options.buckets ?? durationBuckets)], registers: [registry] })),
  );
}

const silent = { inc: () => {}, observe: () => {}, startTimer: () => () => 0 };

/** A metric that takes no values when metrics are switched off. */
function switched<M extends object>(metric: M): M {
  return metricsEnabled ? metric : Object.assign(metric, silent, { labels: () => silent });
}

function getOrCreate<M extends object>(
  type: abstract new (...parameters: never[]) => M,
  { name, labelNames = [] }: { name: string; labelNames?: readonly string[] },
  create: () => M,
): M {
  const existing: unknown = registry.getSingleMetric(name);
  if (existing === undefined) return create();
  const existingLabels = (existing as { labelNames: readonly string[] }).labelNames;
  if (!(existing instanceof type) || existingLabels.join() !== labelNames.join()) {
    throw new Error(`Metric ${name} exists already as another type or with other labels (${existingLabels.join(', ')})`);
  }
  return existing;
}
