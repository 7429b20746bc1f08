import type { Call } from '@tenfold/contracts';
import { counter, gauge, histogram } from '@tenfold/telemetry';
import type { PendingCall } from './pending.call.ts';

/** What is read when somebody asks for the metrics. */
export interface DispatcherState {
  inFlight: () => number;
  replicas: () => Record<string, number>;
}

interface Recorder {
  observe: Map<string, { observe(seconds: number): void }>;
  sentBytes: number;
  receivedBytes: number;
}

/** What one client measures, by call and outcome. `callee` and not `service`, which Prometheus gives to whoever is asked. */
export class DispatcherMetrics {
  readonly #recorders = new Map<string, Recorder>();
  readonly #duration = histogram({
    name: 'call_client_duration_seconds',
    help: 'Time from a call to its answer, with all attempts.',
    labelNames: ['callee', 'call', 'code'],
  });
  readonly #retries = counter({
    name: 'call_client_retries_total',
    help: 'Calls sent again, because a replica was lost or refused.',
    labelNames: ['callee', 'call'],
  });
  readonly #refused = counter({
    name: 'call_client_refused_total',
    help: 'Calls that were not sent, or not again: circuit-open, bulkhead or retry-budget.',
    labelNames: ['callee', 'reason'],
  });

  constructor(
    private readonly service: string,
    state: DispatcherState,
  ) {
    for (const reason of ['circuit-open', 'bulkhead', 'retry-budget']) this.#refused.inc({ callee: service, reason }, 0);
    gauge({
      name: 'call_client_in_flight',
      help: 'Calls without an answer yet.',
      labelNames: ['callee'],
      collect: (metric) => metric.set({ callee: service }, state.inFlight()),
    });
    gauge({
      name: 'call_client_replicas',
      help: 'Replicas known: ready, left-out because they fail or are slow, or away.',
      labelNames: ['callee', 'state'],
      collect: (metric) => {
        for (const [name, count] of Object.entries(state.replicas())) metric.set({ callee: service, state: name }, count);
      },
    });
    gauge({
      name: 'call_client_bytes',
      help: 'Bytes of all requests sent and all answers received so far.',
      labelNames: ['callee', 'call', 'direction'],
      collect: (metric) => {
        for (const [call, { sentBytes, receivedBytes }] of this.#recorders) {
          metric.set({ callee: service, call, direction: 'sent' }, sentBytes);
          metric.set({ callee: service, call, direction: 'received' }, receivedBytes);
        }
      },
    });
  }

  settled({ call, sentBytes, receivedBytes }: PendingCall, code: string, milliseconds: number): void {
    let recorder = this.#recorders.get(call.name);
    if (!recorder) {
      recorder = { observe: new Map(), sentBytes: 0, receivedBytes: 0 };
      this.#retries.inc({ callee: this.service, call: call.name }, 0);
      this.#recorders.set(call.name, recorder);
    }
    recorder.sentBytes += sentBytes;
    recorder.receivedBytes += receivedBytes;
    let duration = recorder.observe.get(code);
    if (!duration) {
      duration = this.#duration.labels({ callee: this.service, call: call.name, code });
      recorder.observe.set(code, duration);
    }
    duration.observe(milliseconds / 1000);
  }

  retried({ name }: Call): void {
    this.#retries.inc({ callee: this.service, call: name });
  }

  refused(reason: 'circuit-open' | 'bulkhead' | 'retry-budget'): void {
    this.#refused.inc({ callee: this.service, reason });
  }
}
