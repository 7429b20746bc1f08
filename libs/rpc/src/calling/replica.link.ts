import { connect } from 'node:net';
import { Logger } from '@nestjs/common';
import type { CallIssue } from '../call.error.ts';
import { encodeFrame, FrameError, FrameType } from '../wire/frame.codec.ts';
import { FrameConnection } from '../wire/frame.connection.ts';
import { ClientHandshake, HandshakeError, handshakeTimeoutMs, maxHandshakeFrameBytes } from '../wire/handshake.protocol.ts';
import type { PendingCall } from './pending.call.ts';
import { decodePlain, NotPlainError } from '../wire/plain.messagepack.ts';

/** Milliseconds between looks at whether the replica is still there; after two silent ones in a row it counts as gone. */
const pingIntervalMs = 1000;

/** Milliseconds before the next attempt to connect: doubled from the first to the second, each with up to half less. */
const backoffMs = [50, 2000] as const;

/** Bytes waiting to be sent over which a replica gets no further calls. */
const maxPendingBytes = 4 * 1024 * 1024;

export interface LinkOptions {
  service: string;
  secret: string;
  maxFrameBytes: number;
  /** The replica can take calls. */
  onReady: () => void;
  /** The connection is gone and these calls have no answer. `written` tells which may have reached the replica. */
  onLost: (calls: readonly { pending: PendingCall; written: boolean }[], reason: string) => void;
}

/** The one connection to a replica: keeps it up, and carries many calls at once. */
export class ReplicaLink {
  readonly #logger = new Logger('Calls');
  readonly #outstanding = new Map<number, PendingCall>();
  #connection: FrameConnection | undefined;
  #state: 'connecting' | 'ready' | 'draining' | 'waiting' | 'closed' = 'waiting';
  /** No longer listed: not connected again. */
  #retired = false;
  #lastId = 0;
  #failures = 0;
  #silentLooks = 0;
  #retry: NodeJS.Timeout | undefined;
  #pings: NodeJS.Timeout | undefined;
  /** Why the last connection failed, for messages. */
  lastFailure = 'not connected yet';

  constructor(
    readonly address: string,
    private readonly options: LinkOptions,
  ) {
    this.#connect();
  }

  get ready(): boolean {
    return this.#state === 'ready' && (this.#connection?.pendingBytes ?? 0) < maxPendingBytes;
  }

  get outstanding(): number {
    return this.#outstanding.size;
  }

  /** @throws FrameError when the request is longer than a frame may be */
  send(pending: PendingCall): void {
    const { call, context, request, deadline } = pending;
    const { positions } = context;
    this.#lastId = (this.#lastId + 1) >>> 0;
    const frame = encodeFrame(FrameType.Request, this.#lastId, [
      call.name,
      deadline - Date.now(),
      context.requestId,
      context.traceId,
      positions.size > 0 ? Object.fromEntries(positions) : null,
      request,
    ]);
    if (frame.length > this.options.maxFrameBytes) throw new FrameError(`request of ${frame.length} bytes`);
    pending.attempts += 1;
    this.#outstanding.set(this.#lastId, pending);
    pending.sequence = this.#connection?.send(frame) ?? Infinity;
  }

  /** Gives up the calls that `isOver` names, and tells the replica. */
  cancel(isOver: (pending: PendingCall) => boolean, giveUp: (pending: PendingCall) => void): void {
    for (const [id, pending] of this.#outstanding) {
      if (!isOver(pending)) continue;
      this.#outstanding.delete(id);
      this.#connection?.sendEmpty(FrameType.Cancel, id);
      giveUp(pending);
    }
    this.#endIfDone();
  }

  /** No new calls; the connection closes after the last answer. */
  retire(): void {
    if (this.#state === 'closed') return;
    clearTimeout(this.#retry);
    const idle = this.#outstanding.size === 0;
    this.#state = idle ? 'closed' : 'draining';
    this.#retired = true;
    if (idle) this.#connection?.destroy();
  }

  /** Closes at once; calls without an answer are lost. */
  close(): void {
    clearTimeout(this.#retry);
    this.#state = 'closed';
    this.#connection?.destroy();
  }

  #connect(): void {
    this.#state = 'connecting';
    const { service, secret, maxFrameBytes } = this.options;
    const handshake = new ClientHandshake({ service, secret });
    const colon = this.address.lastIndexOf(':');
    const socket = connect({ host: this.address.slice(0, colon), port: Number(this.address.slice(colon + 1)) });
    const timeout = setTimeout(() => connection.destroy(new Error('no handshake in time')), handshakeTimeoutMs);
    const connection = new FrameConnection(
      socket,
      {
        onFrame: (type, id, bytes, start, end) => {
          if (this.#state !== 'connecting') {
            this.#onFrame(type, id, bytes, start, end);
            return;
          }
          const body = bytes.subarray(start, end);
          if (type === FrameType.Hello) connection.send(handshake.prove(body));
          else if (type === FrameType.Refused) throw handshake.refusal(body);
          else if (type === FrameType.Welcome) {
            handshake.checkWelcome(body);
            clearTimeout(timeout);
            connection.maxFrameBytes = maxFrameBytes;
            this.#onConnected();
          } else throw new FrameError(`frame type ${type} before the handshake`);
        },
        onClose: (cause) => {
          clearTimeout(timeout);
          this.#onClosed(cause);
        },
      },
      maxHandshakeFrameBytes,
    );
    this.#connection = connection;
  }

  #onConnected(): void {
    this.#state = 'ready';
    this.#failures = 0;
    this.#silentLooks = 0;
    this.#pings = setInterval(() => this.#look(), pingIntervalMs).unref();
    this.options.onReady();
  }

  #look(): void {
    const connection = this.#connection;
    if (!connection) return;
    this.#silentLooks = connection.received ? 0 : this.#silentLooks + 1;
    connection.received = false;
    if (this.#silentLooks >= 2) connection.destroy(new Error('no sign of life'));
    else connection.sendEmpty(FrameType.Ping);
  }

  #onFrame(type: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (type === FrameType.Answer || type === FrameType.Refusal) {
      const pending = this.#outstanding.get(id);
      // Answers to calls that were given up arrive, too.
      if (!pending) return;
      this.#outstanding.delete(id);
      settle(pending, type, bytes, start, end);
      this.#endIfDone();
    } else if (type === FrameType.Drain) {
      this.#state = 'draining';
      this.#endIfDone();
    } else if (type !== FrameType.Pong) throw new FrameError(`frame type ${type}`);
  }

  #endIfDone(): void {
    if (this.#state === 'draining' && this.#outstanding.size === 0) this.#connection?.end();
  }

  #onClosed(cause: Error | undefined): void {
    clearInterval(this.#pings);
    const wasReady = this.#state === 'ready';
    const written = this.#connection?.written ?? 0;
    const lost = [...this.#outstanding.values()].map((pending) => ({ pending, written: pending.sequence <= written }));
    this.#outstanding.clear();
    this.#connection = undefined;
    this.lastFailure = cause?.message ?? 'connection closed';
    if (cause instanceof HandshakeError && this.#failures === 0) {
      this.#logger.error({ msg: `cannot call ${this.options.service}`, address: this.address, reason: cause.message });
    } else if (wasReady && cause) {
      this.#logger.warn({ msg: `lost ${this.options.service}`, address: this.address, reason: cause.message });
    }
    if (this.#state === 'closed' || this.#retired) this.#state = 'closed';
    else {
      this.#state = 'waiting';
      const longest = Math.min(backoffMs[0] * 2 ** this.#failures, backoffMs[1]);
      this.#failures += 1;
      this.#retry = setTimeout(() => this.#connect(), longest * (0.5 + Math.random() / 2)).unref();
    }
    if (lost.length > 0) this.options.onLost(lost, this.lastFailure);
  }
}

function settle(pending: PendingCall, type: number, bytes: Buffer, start: number, end: number): void {
  let body: unknown;
  try {
    body = decodePlain(bytes, start, end);
    if (!Array.isArray(body)) throw new NotPlainError('answer is no list');
  } catch (cause) {
    pending.fail('incompatible', 'the answer cannot be read', { cause });
    return;
  }
  const [positions, ...rest] = body as unknown[];
  pending.raisePositions(positions);
  if (type === FrameType.Answer) {
    pending.succeed(rest[0]);
    return;
  }
  const [code, message, retryAfterMs, issues] = rest;
  pending.fail(String(code), String(message), {
    ...(typeof retryAfterMs === 'number' ? { retryAfterMs } : {}),
    ...(Array.isArray(issues) ? { issues: issues as CallIssue[] } : {}),
  });
}
