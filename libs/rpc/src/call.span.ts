import type { Call } from '@tenfold/contracts';
import type { Span } from '@tenfold/telemetry';

/** The same on both sides; told apart by their kinds. */
export function callSpanName({ service, name }: Call): string {
  return `${service}.${name}`;
}

/** Codes that say that the service did not do its part. All others are answers, refusals by the contract among them. */
const failures = new Set(['internal', 'unavailable', 'deadline-exceeded', 'overloaded', 'incompatible']);

/** Ends the span of a call on either side. */
export function endCallSpan(span: Span, { service, name }: Call, code: string): void {
  span.set('rpc.system', 'tenfold').set('rpc.service', service).set('rpc.method', name).set('rpc.code', code);
  if (failures.has(code)) span.fail(code);
  span.end();
}
