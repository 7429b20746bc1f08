import { counter, histogram } from '@tenfold/telemetry';

export type SessionOperation =
  | 'load'
  | 'create'
  | 'rotate'
  | 'set-cart-item'
  | 'remove-cart-item'
  | 'clear-cart'
  | 'save-positions'
  | 'end'
  | 'list'
  | 'end-one'
  | 'end-others'
  | 'end-all'
  | 'read-clock';

/** `none`: no such session; `garbage`: what stood there was none; `full`: refused by the cart's limit. */
export type SessionOutcome = 'ok' | 'none' | 'garbage' | 'full' | 'unavailable';

const operations = counter({
  name: 'session_operations_total',
  help: 'Operations of the session store by what came of them.',
  labelNames: ['operation', 'outcome'],
});

const durations = histogram({
  name: 'session_operation_duration_seconds',
  help: 'Time until Redis answered an operation of the session store.',
  labelNames: ['operation'],
  buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
});

interface Recorders {
  count: { inc(): void };
  time: { observe(seconds: number): void };
}

const recorders = new Map<string, Recorders>();

export function countOperation(operation: SessionOperation, outcome: SessionOutcome, startedAt: number): void {
  const name = `${operation} ${outcome}`;
  let found = recorders.get(name);
  if (!found) recorders.set(name, (found = { count: operations.labels({ operation, outcome }), time: durations.labels({ operation }) }));
  found.count.inc();
  found.time.observe((performance.now() - startedAt) / 1000);
}
