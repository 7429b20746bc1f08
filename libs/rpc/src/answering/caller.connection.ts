import type { Socket } from 'node:net';
import { encodeFrame, FrameError, FrameType } from '../wire/frame.codec.ts';
import { FrameConnection } from '../wire/frame.connection.ts';
import { handshakeTimeoutMs, maxHandshakeFrameBytes, ServerHandshake } from '../wire/handshake.protocol.ts';
import type { IncomingCall } from './incoming.call.ts';

/** Bytes of answers that a caller does not fetch, at which its requests are no longer read. */
const pauseAtBytes = 1024 * 1024;

export interface CallerOptions {
  service: string;
  secret: string;
  maxFrameBytes: number;
  onRequest: (caller: CallerConnection, id: number, bytes: Buffer, start: number, end: number) => void;
  onClose: (caller: CallerConnection, cause: Error | undefined) => void;
}

/** The server's side of one connection. */
export class CallerConnection {
  /** What this caller waits for. */
  readonly calls = new Map<number, IncomingCall>();
  readonly #connection: FrameConnection;
  readonly #handshake: ServerHandshake;
  readonly #timeout: NodeJS.Timeout;
  #trusted = false;

  constructor(
    socket: Socket,
    private readonly options: CallerOptions,
  ) {
    // Finds callers that vanished without a word.
    socket.setKeepAlive(true, 10_000);
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
          for (const call of this.calls.values()) call.cancel();
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

  /** @throws FrameError when the answer is longer than a frame may be */
  answer(id: number, payload: unknown, raised: Record<string, string> | null): void {
    const frame = encodeFrame(FrameType.Answer, id, [raised, payload]);
    if (frame.length > this.options.maxFrameBytes) throw new FrameError(`answer of ${frame.length} bytes`);
    this.#connection.send(frame);
  }

  refuse(id: number, refusal: readonly unknown[]): void {
    this.#connection.send(encodeFrame(FrameType.Refusal, id, refusal));
  }

  /** Asks the caller for no more requests; it closes the connection when it has all its answers. */
  drain(): void {
    if (this.#trusted) this.#connection.sendEmpty(FrameType.Drain);
    else this.destroy();
  }

  destroy(): void {
    this.#connection.destroy();
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
        if (this.calls.has(id)) throw new FrameError(`call id ${id} twice`);
        this.options.onRequest(this, id, bytes, start, end);
        break;
      case FrameType.Cancel:
        this.calls.get(id)?.cancel();
        break;
      case FrameType.Ping:
        this.#connection.sendEmpty(FrameType.Pong);
        break;
      default:
        throw new FrameError(`frame type ${type}`);
    }
  }
}
