import { Counter } from 'prom-client';
import type { CounterConfiguration, LabelValues } from 'prom-client';

/**
 * A counter whose bound recorders (`labels({ … })`) count into plain numbers and hand them over when the metrics are read:
 * prom-client would check and hash the labels at each count, twenty times as much work.
 */
export class RecordedCounter<Label extends string> extends Counter<Label> {
  readonly #recorders = new Map<string, Recorder>();

  constructor({ collect, ...configuration }: CounterConfiguration<Label>) {
    super({
      ...configuration,
      async collect() {
        for (const recorder of (this as unknown as RecordedCounter<Label>).#recorders.values()) recorder.handOver();
        await collect?.call(this);
      },
    });
  }

  /** The recorder of these labels; keep it, since to look it up costs more than to count. */
  override labels(labels: LabelValues<Label> | string, ...others: string[]): Counter.Internal {
    if (typeof labels === 'string') return super.labels(labels, ...others);
    const key = Object.entries(labels).sort().join('\n');
    let recorder = this.#recorders.get(key);
    if (!recorder) {
      this.#requireKnown(Object.keys(labels));
      this.#recorders.set(key, (recorder = new Recorder(super.labels(labels))));
    }
    return recorder;
  }

  /** Here, where whoever asks can be found: prom-client throws when it counts, which is when somebody reads the metrics. */
  #requireKnown(names: readonly string[]): void {
    const { labelNames } = this as unknown as { labelNames: readonly string[] };
    const unknown = names.filter((name) => !labelNames.includes(name));
    if (unknown.length > 0) throw new Error(`the metric has no label ${unknown.join(', ')}; it has ${labelNames.join(', ')}`);
  }
}

class Recorder {
  readonly #counter: Counter.Internal;
  #count = 0;
  /** A counter that was never asked to count, not even by 0, has no series. */
  #isUsed = false;

  constructor(counter: Counter.Internal) {
    this.#counter = counter;
  }

  inc(count = 1): void {
    if (!(count >= 0)) throw new RangeError(`a counter grows by 0 or more, not by ${count}`);
    this.#count += count;
    this.#isUsed = true;
  }

  handOver(): void {
    if (!this.#isUsed) return;
    this.#counter.inc(this.#count);
    this.#count = 0;
  }
}
