import type { CallIssue } from '../call.error.ts';
import { tableOf } from '../wire/call.table.ts';
import { decodeTableBody, tableIdOf } from '../wire/frame.writer.ts';
import { decodePlain, NotPlainError } from '../wire/plain.messagepack.ts';
import type { PendingCall } from './pending.call.ts';

interface TableAnswer {
  positions: readonly { database: string; lsn: string }[] | null;
  payload: unknown;
}

/** Settles a call with the body of its answer; with `incompatible` when that cannot be read. */
export function settleWithAnswer(pending: PendingCall, bytes: Buffer, start: number, end: number): void {
  const table = tableOf(pending.call);
  try {
    const tableId = tableIdOf(bytes, start, end);
    if (tableId === undefined) {
      const [positions, payload] = readList(bytes, start, end);
      raisePositions(pending, positions);
      pending.succeed(payload);
      return;
    }
    checkTable(pending, tableId);
    const { positions, payload } = decodeTableBody(table.answer, bytes, start, end) as TableAnswer;
    if (positions) for (const { database, lsn } of positions) pending.raisePosition(database, lsn);
    pending.succeed(payload);
  } catch (cause) {
    pending.fail('incompatible', 'the answer cannot be read', { cause });
  }
}

/** Settles a call with the body of a refusal. */
export function settleWithRefusal(pending: PendingCall, refusal: Refusal): void {
  raisePositions(pending, refusal.positions);
  pending.answered = true;
  const { code, message, retryAfterMs, issues } = refusal;
  pending.fail(code, message, { ...(retryAfterMs === undefined ? {} : { retryAfterMs }), ...(issues ? { issues } : {}) });
}

export interface Refusal {
  positions: unknown;
  code: string;
  message: string;
  retryAfterMs: number | undefined;
  issues: CallIssue[] | undefined;
}

/** @throws NotPlainError */
export function readRefusal(bytes: Buffer, start: number, end: number): Refusal {
  const [positions, code, message, retryAfterMs, issues] = readList(bytes, start, end);
  return {
    positions,
    code: String(code),
    message: String(message),
    retryAfterMs: typeof retryAfterMs === 'number' ? retryAfterMs : undefined,
    issues: Array.isArray(issues) ? (issues as CallIssue[]) : undefined,
  };
}

/** The items in a part of a stream. @throws NotPlainError */
export function readItems(pending: PendingCall, bytes: Buffer, start: number, end: number): unknown[] {
  const tableId = tableIdOf(bytes, start, end);
  if (tableId === undefined) return readList(bytes, start, end);
  checkTable(pending, tableId);
  return decodeTableBody(tableOf(pending.call).items, bytes, start, end) as unknown[];
}

function checkTable({ call }: PendingCall, tableId: number): void {
  if (tableId !== tableOf(call).id) throw new NotPlainError(`table ${tableId} is not that of ${call.service}.${call.name}`);
}

function readList(bytes: Buffer, start: number, end: number): unknown[] {
  const body = decodePlain(bytes, start, end);
  if (!Array.isArray(body)) throw new NotPlainError('body is no list');
  return body as unknown[];
}

function raisePositions(pending: PendingCall, raised: unknown): void {
  if (raised === null || typeof raised !== 'object') return;
  for (const [database, lsn] of Object.entries(raised)) pending.raisePosition(database, String(lsn));
}
