import { compareLsn, parseTraceparent } from '@tenfold/telemetry';
import type { Positions, RequestContext } from '@tenfold/telemetry';
import { NotPlainError } from '../wire/plain.messagepack.ts';

/** Longest ids taken over from a caller. */
const maxIdLength = 128;

const lsnPattern = /^[\dA-F]{1,8}\/[\dA-F]{1,8}$/i;

/** What a request says of itself, beside its payload. */
export interface RequestHead {
  remainingMs: number;
  requestId: string;
  /** A bare trace id, or the `traceparent` of the caller's span where the request is traced. */
  traceId: string;
  positions: readonly Position[] | null;
}

/** A database and how far it was written. */
export interface Position {
  database: string;
  lsn: string;
}

/** A request as it came in, and the context its handler runs in. */
export class IncomingCall implements RequestContext {
  readonly positions: Positions = new Map();
  readonly startedAt = performance.now();
  /** When its handler was let in. */
  admittedAt = 0;
  readonly deadline: number;
  readonly requestId: string;
  readonly traceId: string;
  /** Of the caller's span, where the request is traced. */
  readonly traceparent: string | undefined;
  /** The caller no longer waits. */
  cancelled = false;
  /** Parts of a stream that the caller still takes. */
  credit = 0;
  readonly #asked: readonly Position[] | null;
  #controller: AbortController | undefined;
  #onChange: (() => void) | undefined;

  /** @throws NotPlainError when the head cannot be what a caller means */
  constructor(
    { remainingMs, requestId, traceId, positions }: RequestHead,
    readonly payload: unknown,
    /** Whether the answer may follow the call's table. */
    readonly byTable: boolean,
  ) {
    if (!Number.isFinite(remainingMs) || requestId.length > maxIdLength || traceId.length > maxIdLength) {
      throw new NotPlainError('head of the request is malformed');
    }
    this.deadline = Date.now() + remainingMs;
    this.requestId = requestId;
    const origin = parseTraceparent(traceId);
    this.traceId = origin?.traceId ?? traceId;
    this.traceparent = origin && traceId;
    this.#asked = positions;
    if (positions === null) return;
    for (const { database, lsn } of positions) {
      if (!lsnPattern.test(lsn)) throw new NotPlainError('positions are malformed');
      this.positions.set(database, lsn);
    }
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.cancelled) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  cancel(): void {
    this.cancelled = true;
    this.#controller?.abort();
    this.#onChange?.();
  }

  grant(parts: number): void {
    this.credit += parts;
    this.#onChange?.();
  }

  /** Resolves when the caller takes another part, or nothing any more. */
  async untilTaken(): Promise<void> {
    while (this.credit === 0 && !this.cancelled) {
      await new Promise<void>((resolve) => (this.#onChange = resolve));
    }
  }

  /** Positions that are further than those the caller asked for; null if none is. */
  raisedPositions(): Position[] | null {
    if (this.positions.size === 0) return null;
    const raised: Position[] = [];
    for (const [database, lsn] of this.positions) {
      const asked = this.#asked?.find((position) => position.database === database);
      if (!asked || compareLsn(lsn, asked.lsn) > 0) raised.push({ database, lsn });
    }
    return raised.length > 0 ? raised : null;
  }
}
