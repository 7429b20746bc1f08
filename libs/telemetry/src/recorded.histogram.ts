import { Histogram } from 'prom-client';
import type { HistogramConfiguration, LabelValues } from 'prom-client';

/** What prom-client keeps of one combination of labels. */
interface Entry {
  labels: Readonly<Record<string, unknown>>;
  bucketValues: Record<number, number>;
  sum: number;
  count: number;
}

/**
 * A histogram whose bound recorders (`labels({ … })`) count into plain numbers and hand them over when the metrics are
 * read: prom-client would check and hash the labels and look a bucket up by its text at each observation.
 */
export class RecordedHistogram<Label extends string> extends Histogram<Label> {
  readonly #bounds: readonly number[];
  readonly #recorders = new Map<Entry, Recorder>();

  constructor(configuration: HistogramConfiguration<Label> & { buckets: number[] }) {
    super({
      ...configuration,
      collect() {
        for (const recorder of (this as unknown as RecordedHistogram<Label>).#recorders.values()) recorder.handOver();
      },
    });
    this.#bounds = configuration.buckets;
  }

  /** The recorder of these labels; keep it, since to look it up costs more than to observe. */
  override labels(labels: LabelValues<Label> | string, ...others: string[]): Histogram.Internal<Label> {
    if (typeof labels === 'string') return super.labels(labels, ...others);
    // Throws for a label that the metric does not have.
    super.labels(labels);
    const entry = this.#entryOf(labels as Record<string, unknown>);
    let recorder = this.#recorders.get(entry);
    if (!recorder) this.#recorders.set(entry, (recorder = new Recorder(this.#bounds, entry)));
    return recorder;
  }

  #entryOf(labels: Readonly<Record<string, unknown>>): Entry {
    const { hashMap } = this as unknown as { hashMap: Record<string, Entry> };
    const names = Object.keys(labels);
    const find = () =>
      Object.values(hashMap).find((entry) => Object.keys(entry.labels).length === names.length && names.every((name) => entry.labels[name] === labels[name]));
    const known = find();
    if (known) return known;
    this.zero({ ...labels } as LabelValues<Label>);
    return find() as Entry;
  }
}

class Recorder {
  readonly #bounds: readonly number[];
  readonly #entry: Entry;
  /** One for each bucket, and one for what lies beyond the last. */
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(bounds: readonly number[], entry: Entry) {
    this.#bounds = bounds;
    this.#entry = entry;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket += 1;
    (this.#counts[bucket] as number) += 1;
    this.#sum += value;
  }

  startTimer(): () => number {
    const startedAt = performance.now();
    return () => {
      const seconds = (performance.now() - startedAt) / 1000;
      this.observe(seconds);
      return seconds;
    };
  }

  handOver(): void {
    for (const [bucket, count] of this.#counts.entries()) {
      if (count === 0) continue;
      this.#entry.count += count;
      const bound = this.#bounds[bucket];
      if (bound !== undefined) this.#entry.bucketValues[bound] = (this.#entry.bucketValues[bound] ?? 0) + count;
    }
    this.#entry.sum += this.#sum;
    this.#counts.fill(0);
    this.#sum = 0;
  }
}
