import { Counter } from 'prom-client';
import type { CounterConfiguration, LabelValues } from 'prom-client';

/**
 * A counter whose bound recorders (`labels({ … })`) count into plain numbers and hand them over when the metrics are read:
 * prom-client would check and hash the labels each time.
 */
export class RecordedCounter<Label extends string> extends Counter<Label> {
  /** By their labels. */
  readonly #recorders: Map<string, Recorder<Label>>;

  constructor(configuration: CounterConfiguration<Label>) {
    const recorders = new Map<string, Recorder<Label>>();
    super({
      ...configuration,
      collect() {
        for (const recorder of recorders.values()) recorder.handOver();
      },
    });
    this.#recorders = recorders;
  }

  /** The recorder of these labels; keep it, since to look it up costs more than to count. */
  override labels(labels: LabelValues<Label> | string, ...others: string[]): Counter.Internal {
    if (typeof labels === 'string') return super.labels(labels, ...others);
    const key = JSON.stringify(Object.entries(labels).toSorted());
    let recorder = this.#recorders.get(key);
    if (!recorder) this.#recorders.set(key, (recorder = new Recorder<Label>(this, { ...labels })));
    return recorder;
  }
}

class Recorder<Label extends string> {
  readonly #counter: Counter<Label>;
  readonly #labels: LabelValues<Label>;
  #count = 0;
  #counted = false;

  constructor(counter: Counter<Label>, labels: LabelValues<Label>) {
    this.#counter = counter;
    this.#labels = labels;
  }

  inc(by = 1): void {
    this.#count += by;
    this.#counted = true;
  }

  handOver(): void {
    if (!this.#counted) return;
    this.#counter.inc(this.#labels, this.#count);
    this.#count = 0;
    this.#counted = false;
  }
}
