import { NotPlainError } from '../wire/plain.messagepack.ts';
import { decodeTableBody } from '../wire/frame.writer.ts';
import type { CallTable } from '../wire/call.table.ts';
import { IncomingCall } from './incoming.call.ts';
import type { Position, RequestHead } from './incoming.call.ts';

/** @throws NotPlainError when the body does not fit the table that it names */
export function readTableRequest(table: CallTable, bytes: Buffer, start: number, end: number): IncomingCall {
  const { payload, ...head } = decodeTableBody(table.request, bytes, start, end) as RequestHead & { payload: unknown };
  return new IncomingCall(head, payload, true);
}

/** A request without a table, `[name, remainingMs, requestId, traceId, positions, payload]`. @throws NotPlainError */
export function readPlainRequest(body: unknown): { name: string; incoming: IncomingCall } {
  if (!Array.isArray(body) || body.length !== 6) throw new NotPlainError('request is no list of 6');
  const [name, remainingMs, requestId, traceId, positions, payload] = body as unknown[];
  if (![name, requestId, traceId].every((text) => typeof text === 'string') || typeof remainingMs !== 'number') {
    throw new NotPlainError('head of the request is malformed');
  }
  const head = { remainingMs, requestId, traceId, positions: positionsFrom(positions) } as RequestHead;
  return { name: name as string, incoming: new IncomingCall(head, payload, false) };
}

function positionsFrom(value: unknown): Position[] | null {
  if (value === null) return null;
  if (typeof value !== 'object') throw new NotPlainError('positions are malformed');
  return Object.entries(value).map(([database, lsn]) => ({ database, lsn: String(lsn) }));
}
