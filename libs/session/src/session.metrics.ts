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

const recorders = new Map<SessionOperation, { observe(seconds: number): void }>();

export function countOperation(operation: SessionOperation, outcome: SessionOutcome, startedAt: number): void {
  operations.inc({ operation, outcome });
  let recorder = recorders.get(operation);
  if (!recorder) recorders.set(operation, (recorder = durations.labels({ operation })));
  recorder.observe((performance.now() - startedAt) / 1000);
}
