import type { Socket } from 'node:net';
import type { CallTable } from '../wire/call.table.ts';
import { encodeFrame, FrameError, FrameType } from '../wire/frame.codec.ts';
import { FrameConnection } from '../wire/frame.connection.ts';
import { encodeTableFrame } from '../wire/frame.writer.ts';
import { handshakeTimeoutMs, maxHandshakeFrameBytes, ServerHandshake } from '../wire/handshake.protocol.ts';
import { OutstandingCalls } from '../wire/outstanding.calls.ts';
import { decodePlain } from '../wire/plain.messagepack.ts';
import { project } from '../wire/plain.projection.ts';
import type { IncomingCall, Position } from './incoming.call.ts';

/** Bytes of answers that a caller does not fetch, at which its requests are no longer read. */
const pauseAtBytes = 1024 * 1024;

/** Most parts of a stream that a caller may ask for ahead. */
const maxCredit = 1000;

export interface CallerOptions {
  service: string;
  secret: string;
  maxFrameBytes: number;
  onRequest: (caller: CallerConnection, id: number, bytes: Buffer, start: number, end: number) => void;
  onClose: (caller: CallerConnection, cause: Error | undefined) => void;
}

/** What an answer needs to know of its call. */
export interface AnsweredCall {
  table: CallTable;
  maxResponseBytes: number;
}

/** The server's side of one connection. */
export class CallerConnection {
  /** What this caller waits for. */
  readonly calls = new OutstandingCalls<IncomingCall>();
  readonly #connection: FrameConnection;
  readonly #handshake: ServerHandshake;
  readonly #timeout: NodeJS.Timeout;
  #trusted = false;
  #receivedBefore = 0;

  constructor(
    socket: Socket,
    private readonly options: CallerOptions,
  ) {
    this.#handshake = new ServerHandshake(options);
    this.#timeout = setTimeout(() => this.destroy(), handshakeTimeoutMs);
    this.#connection = new FrameConnection(
      socket,
      {
        pauseAtBytes,
        onFrame: (type, id, bytes, start, end) => {
          if (this.#trusted) this.#onFrame(type, id, bytes, start, end);
          else this.#onHandshake(type, bytes.subarray(start, end));
        },
        onClose: (cause) => {
          clearTimeout(this.#timeout);
          for (const call of this.calls.all()) call.cancel();
          this.calls.clear();
          options.onClose(this, cause);
        },
      },
      maxHandshakeFrameBytes,
    );
    this.#connection.send(this.#handshake.hello());
  }

  get trusted(): boolean {
    return this.#trusted;
  }

  /**
   * @throws MisfitError when the payload is not what the contract says
   * @throws FrameError when the answer is longer than it may be
   */
  answer(id: number, call: AnsweredCall, incoming: IncomingCall, payload: unknown): void {
    const positions = incoming.raisedPositions();
    if (incoming.byTable) {
      this.#sendByTable(FrameType.Answer, id, call, call.table.answer, { positions, payload });
      return;
    }
    this.#sendPlain(FrameType.Answer, id, call, [recordOf(positions), project(call.table.responseLayout, payload)]);
  }

  /** A part of a stream. One that is too long is sent in two. @throws as {@link answer} */
  sendItems(id: number, call: AnsweredCall, incoming: IncomingCall, items: readonly unknown[]): void {
    try {
      if (incoming.byTable) this.#sendByTable(FrameType.Items, id, call, call.table.items, items);
      else this.#sendPlain(FrameType.Items, id, call, items.map((item) => project(call.table.responseLayout, item)));
    } catch (error) {
      if (!(error instanceof FrameError) || items.length < 2) throw error;
      const half = items.length >>> 1;
      this.sendItems(id, call, incoming, items.slice(0, half));
      this.sendItems(id, call, incoming, items.slice(half));
    }
  }

  /** The end of a stream. */
  endStream(id: number, incoming: IncomingCall): void {
    this.#connection.send(encodeFrame(FrameType.Answer, id, [recordOf(incoming.raisedPositions()), null]));
  }

  refuse(id: number, refusal: readonly unknown[]): void {
    this.#connection.send(encodeFrame(FrameType.Refusal, id, refusal));
  }

  /** Asks the caller for no more requests; it closes the connection when it has all its answers. */
  drain(): void {
    if (this.#trusted) this.#connection.sendEmpty(FrameType.Drain);
    else this.destroy();
  }

  destroy(cause?: Error): void {
    this.#connection.destroy(cause);
  }

  /** Cuts off a caller that has sent nothing, not even a ping, or taken nothing since the last time this was called. */
  cutOffIfSilent(): void {
    const connection = this.#connection;
    if (connection.stuck) connection.destroy(new Error('takes no answers'));
    else if (connection.receivedChunks === this.#receivedBefore && !connection.paused) connection.destroy(new Error('no sign of life'));
    this.#receivedBefore = connection.receivedChunks;
  }

  #sendByTable(type: FrameType, id: number, call: AnsweredCall, codec: CallTable['answer'], value: unknown): void {
    const head = { type, id, table: call.table.id, maxBytes: call.maxResponseBytes };
    this.#connection.send(encodeTableFrame(head, codec, value));
  }

  #sendPlain(type: FrameType, id: number, call: AnsweredCall, body: unknown): void {
    const frame = encodeFrame(type, id, body);
    if (frame.end > call.maxResponseBytes) throw new FrameError(`answer of ${frame.end} bytes`);
    this.#connection.send(frame);
  }

  #onHandshake(type: number, body: Buffer): void {
    if (type !== FrameType.Proof) throw new FrameError(`frame type ${type} before the handshake`);
    const { accepted, answer } = this.#handshake.check(body);
    this.#connection.send(answer);
    if (!accepted) {
      this.#connection.end(new Error('handshake refused'));
      return;
    }
    clearTimeout(this.#timeout);
    this.#trusted = true;
    this.#connection.maxFrameBytes = this.options.maxFrameBytes;
  }

  #onFrame(type: number, id: number, bytes: Buffer, start: number, end: number): void {
    switch (type) {
      case FrameType.Request:
        if (this.calls.get(id)) throw new FrameError(`call id ${id} twice`);
        this.options.onRequest(this, id, bytes, start, end);
        break;
      case FrameType.Cancel:
        this.calls.get(id)?.cancel();
        break;
      case FrameType.Credit:
        this.#onCredit(id, decodePlain(bytes, start, end));
        break;
      case FrameType.Ping:
        this.#connection.sendEmpty(FrameType.Pong);
        break;
      default:
        throw new FrameError(`frame type ${type}`);
    }
  }

  #onCredit(id: number, parts: unknown): void {
    const call = this.calls.get(id);
    // For a stream that has just ended.
    if (!call) return;
    if (!Number.isInteger(parts) || (parts as number) < 1 || call.credit + (parts as number) > maxCredit) {
      throw new FrameError(`credit of ${String(parts)}`);
    }
    call.grant(parts as number);
  }
}

/** Positions as a body without a table has them. */
export function recordOf(positions: readonly Position[] | null): Record<string, string> | null {
  return positions && Object.fromEntries(positions.map(({ database, lsn }) => [database, lsn]));
}
