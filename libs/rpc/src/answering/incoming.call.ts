import { compareLsn } from '@tenfold/telemetry';
import type { Positions, RequestContext } from '@tenfold/telemetry';
import { NotPlainError } from '../wire/plain.messagepack.ts';

/** Longest ids taken over from a caller. */
const maxIdLength = 128;

/** A request as it came in, and the context its handler runs in. */
export class IncomingCall implements RequestContext {
  readonly positions: Positions;
  readonly startedAt = performance.now();
  readonly deadline: number;
  /** The caller no longer waits. */
  cancelled = false;
  readonly #asked: Positions | undefined;
  #controller: AbortController | undefined;

  private constructor(
    readonly name: string,
    remainingMs: number,
    readonly requestId: string,
    readonly traceId: string,
    positions: Positions | undefined,
    readonly payload: unknown,
  ) {
    this.deadline = Date.now() + remainingMs;
    this.#asked = positions;
    this.positions = new Map(positions);
  }

  /** @throws NotPlainError when the body of a request frame is not what it should be */
  static from(body: unknown): IncomingCall {
    if (!Array.isArray(body) || body.length !== 6) throw new NotPlainError('request is no list of 6');
    const [name, remainingMs, requestId, traceId, positions, payload] = body as unknown[];
    if (typeof name !== 'string' || typeof remainingMs !== 'number' || !isId(requestId) || !isId(traceId)) {
      throw new NotPlainError('head of the request is malformed');
    }
    return new IncomingCall(name, remainingMs, requestId, traceId, positionsFrom(positions), payload);
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
  }

  /** Positions that are further than those the caller asked for; null if none is. */
  raisedPositions(): Record<string, string> | null {
    let raised: Record<string, string> | null = null;
    for (const [database, lsn] of this.positions) {
      const asked = this.#asked?.get(database);
      if (asked === undefined || compareLsn(lsn, asked) > 0) (raised ??= {})[database] = lsn;
    }
    return raised;
  }
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value.length <= maxIdLength;
}

function positionsFrom(value: unknown): Positions | undefined {
  if (value === null) return undefined;
  if (typeof value !== 'object') throw new NotPlainError('positions are malformed');
  const entries = Object.entries(value);
  if (!entries.every(([, lsn]) => typeof lsn === 'string' && /^[\dA-F]{1,8}\/[\dA-F]{1,8}$/i.test(lsn))) {
    throw new NotPlainError('positions are malformed');
  }
  return new Map(entries as [string, string][]);
}
