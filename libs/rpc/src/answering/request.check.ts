import type { Call } from '@tenfold/contracts';
import { CallError } from '../call.error.ts';
import type { IncomingCall } from './incoming.call.ts';
import { limitsOf } from './request.limits.ts';

/**
 * Makes what checks the requests of a call: it returns the request as its handler gets it.
 *
 * @throws CallError, what is made: `bad-request` with the places that do not fit
 */
export function requestCheckOf({ request: schema }: Call): (incoming: IncomingCall) => unknown {
  const fits = limitsOf(schema);
  return ({ payload, byTable }) => {
    if (byTable && fits?.(payload)) return payload;
    const request = schema.safeParse(payload);
    if (request.success) return request.data;
    const issues = request.error.issues.map(({ path, message }) => ({ path: path.map(pathPart), message }));
    throw new CallError('bad-request', 'the request does not fit the contract', { issues });
  };
}

function pathPart(part: PropertyKey): string | number {
  return typeof part === 'number' ? part : String(part);
}
