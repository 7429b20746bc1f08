import type { Socket } from 'node:net';
import { encodeBinaryFrame, FrameReader } from './frame.codec.ts';
import type { FrameType, OnFrame } from './frame.codec.ts';

/** Frames shorter than this in sum are copied into one write; longer ones are handed to the kernel as they are. */
const copyUpToBytes = 65_536;

export interface FrameConnectionOptions {
  onFrame: OnFrame;
  /** Once, when nothing more will come; `cause` if that was not in order. */
  onClose: (cause: Error | undefined) => void;
  /** Bytes waiting to be sent at which reading pauses until they are gone. Default never. */
  pauseAtBytes?: number;
}

/** A socket that speaks frames. Those sent within one turn of the event loop leave in one write. */
export class FrameConnection {
  /** Whether anything has come in since this was last set to false. */
  received = false;
  /** Number of frames handed to the kernel so far. */
  written = 0;
  readonly #reader: FrameReader;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #sent = 0;
  #cause: Error | undefined;

  constructor(
    private readonly socket: Socket,
    private readonly options: FrameConnectionOptions,
    maxFrameBytes: number,
  ) {
    this.#reader = new FrameReader(maxFrameBytes, options.onFrame);
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('drain', () => socket.resume());
    socket.on('error', (error) => (this.#cause ??= error));
    // The other side ends only when it is done with all calls.
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      this.#reader.stop();
      this.#queue = [];
      options.onClose(this.#cause);
    });
  }

  get destroyed(): boolean {
    return this.socket.destroyed;
  }

  /** Bytes that wait to be sent. */
  get pendingBytes(): number {
    return this.#queuedBytes + this.socket.writableLength;
  }

  set maxFrameBytes(bytes: number) {
    this.#reader.maxFrameBytes = bytes;
  }

  /** Queues a frame; returns the value of `written` from which on it may have reached the peer. */
  send(frame: Buffer): number {
    if (this.socket.destroyed) return Infinity;
    if (this.#queue.length === 0) setImmediate(this.#flush);
    this.#queue.push(frame);
    this.#queuedBytes += frame.length;
    this.#sent += 1;
    return this.#sent;
  }

  sendEmpty(type: FrameType, id = 0): void {
    this.send(encodeBinaryFrame(type, id));
  }

  /** Sends what is queued and closes. */
  end(cause?: Error): void {
    this.#cause ??= cause;
    this.#flush();
    this.socket.end();
  }

  destroy(cause?: Error): void {
    this.#cause ??= cause;
    this.#reader.stop();
    this.socket.destroy();
  }

  #onData(chunk: Buffer): void {
    this.received = true;
    try {
      this.#reader.push(chunk);
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error('cannot read a frame', { cause: error }));
    }
  }

  readonly #flush = (): void => {
    const frames = this.#queue;
    if (frames.length === 0 || this.socket.destroyed) return;
    const bytes = this.#queuedBytes;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.written += frames.length;
    if (frames.length === 1) this.socket.write(frames[0] as Buffer);
    else if (bytes <= copyUpToBytes) this.socket.write(Buffer.concat(frames, bytes));
    else {
      this.socket.cork();
      for (const frame of frames) this.socket.write(frame);
      this.socket.uncork();
    }
    const { pauseAtBytes = Infinity } = this.options;
    if (this.socket.writableLength > pauseAtBytes) this.socket.pause();
  };
}
