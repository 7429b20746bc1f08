import { setSlots } from '../components/haproxy.component.ts';
import type { Slot } from '../components/haproxy.component.ts';
import { maximumReplicas } from '../ports.ts';
import type { SupervisedProcess } from '../supervised-process.ts';
import { replicaOf } from './service-processes.ts';

/** Keeps HAProxy's server slots equal to the public service's replicas: scaling, crashes and a new HAProxy alike. */
export class Balancer {
  readonly #directory: string;
  readonly #weights: readonly number[];
  #applied = new Map<number, string>();
  #updates: Promise<void> = Promise.resolve();

  /** @param weights of the replicas by their number */
  constructor(directory: string, weights: readonly number[]) {
    this.#directory = directory;
    this.#weights = weights;
  }

  /** Brings the slots in line, after those updates that are under way. */
  update(processes: Iterable<SupervisedProcess>): void {
    const all = [...processes];
    const haproxy = all.find(({ name }) => name === 'haproxy');
    if (!haproxy?.serving) {
      // A new HAProxy begins with empty slots.
      this.#applied = new Map();
      return;
    }
    const slots = slotsOf(all);
    this.#updates = this.#updates.then(() => this.#apply(slots)).catch(() => {});
  }

  /** Resolves when HAProxy knows what `update` was told last. */
  settled(): Promise<void> {
    return this.#updates;
  }

  async #apply(slots: readonly Slot[]): Promise<void> {
    const changed = slots.filter((slot) => this.#applied.get(slot.number) !== JSON.stringify(slot));
    await setSlots(this.#directory, changed, this.#weights);
    for (const slot of changed) this.#applied.set(slot.number, JSON.stringify(slot));
  }
}

function slotsOf(processes: readonly SupervisedProcess[]): Slot[] {
  const slots = new Map<number, Slot>(Array.from({ length: maximumReplicas }, (_, index) => [index + 1, { number: index + 1, state: 'maint' }]));
  for (const { name, specification, serving, state } of processes) {
    const { http, operations } = specification.ports;
    if (specification.kind !== 'service' || http === undefined || operations === undefined) continue;
    const number = replicaOf(name)?.number ?? 0;
    // What stops gets no new requests but keeps its own; whether a running one is well, HAProxy finds out by itself.
    if (state === 'stopping') slots.set(number, { number, state: 'drain' });
    else if (serving || state === 'paused' || state === 'not-ready') slots.set(number, { number, state: 'ready', ports: { http, operations } });
  }
  return [...slots.values()];
}
