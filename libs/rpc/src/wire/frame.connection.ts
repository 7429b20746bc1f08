import type { Socket } from 'node:net';
import { encodeBinaryFrame, FrameReader } from './frame.codec.ts';
import type { FrameBytes, FrameType, OnFrame } from './frame.codec.ts';

/** Pieces shorter than this in sum are copied into one write; longer ones are handed to the kernel as they are. */
const copyUpToBytes = 65_536;

/** Bytes that are written within the turn: the peer works on them, while this side goes on. Smaller writes cost more of them than they gain. */
const writeAtBytes = 16_384;

export interface FrameConnectionOptions {
  onFrame: OnFrame;
  /** Once, when nothing more will come; `cause` if that was not in order. */
  onClose: (cause: Error | undefined) => void;
  /** Bytes waiting to be sent at which reading pauses until they are gone. Default never. */
  pauseAtBytes?: number;
}

/** A socket that speaks frames. Those sent within one turn of the event loop leave in one write, or in several where they are many. */
export class FrameConnection {
  /** How often anything has come in. */
  receivedChunks = 0;
  /** Number of frames handed to the kernel so far. */
  written = 0;
  readonly #reader: FrameReader;
  /** What is queued: whole pieces, and behind them one that still grows while frames lie next to each other. */
  #pieces: Buffer[] = [];
  #bytes: Buffer | undefined;
  #start = 0;
  #end = 0;
  #queuedBytes = 0;
  #sent = 0;
  #drainedBytes = 0;
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
      this.#takeQueue();
      options.onClose(this.#cause);
    });
  }

  get destroyed(): boolean {
    return this.socket.destroyed;
  }

  /** Whether nothing is read, because the peer takes nothing. */
  get paused(): boolean {
    return this.socket.isPaused();
  }

  /** Bytes that wait to be sent. */
  get pendingBytes(): number {
    return this.#queuedBytes + this.socket.writableLength;
  }

  set maxFrameBytes(bytes: number) {
    this.#reader.maxFrameBytes = bytes;
  }

  /** Queues a frame; returns the value of `written` from which on it may have reached the peer. */
  send({ bytes, start, end }: FrameBytes): number {
    if (this.socket.destroyed) return Infinity;
    if (this.#queuedBytes === 0) setImmediate(this.#flush);
    if (bytes === this.#bytes && start === this.#end) this.#end = end;
    else {
      if (this.#bytes) this.#pieces.push(this.#bytes.subarray(this.#start, this.#end));
      this.#bytes = bytes;
      this.#start = start;
      this.#end = end;
    }
    this.#queuedBytes += end - start;
    this.#sent += 1;
    if (this.#queuedBytes >= writeAtBytes) this.#flush();
    return this.#sent;
  }

  /** Whether bytes wait for a peer that has taken none since the last time this was asked. */
  get stuck(): boolean {
    const drained = this.socket.bytesWritten - this.socket.writableLength;
    const stuck = this.socket.writableLength > 0 && drained === this.#drainedBytes;
    this.#drainedBytes = drained;
    return stuck;
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
    this.receivedChunks += 1;
    try {
      this.#reader.push(chunk);
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error('cannot read a frame', { cause: error }));
    }
  }

  readonly #flush = (): void => {
    const bytes = this.#queuedBytes;
    if (bytes === 0 || this.socket.destroyed) return;
    const pieces = this.#takeQueue();
    this.written = this.#sent;
    if (pieces.length === 1 && this.socket.writableLength === 0) this.socket.write(pieces[0] as Buffer);
    // A copy also where the peer is slow: what waits for it must not hold on to memory that others wrote into.
    else if (bytes <= copyUpToBytes) this.socket.write(Buffer.concat(pieces, bytes));
    else {
      this.socket.cork();
      for (const piece of pieces) this.socket.write(piece);
      this.socket.uncork();
    }
    const { pauseAtBytes = Infinity } = this.options;
    if (this.socket.writableLength > pauseAtBytes) this.socket.pause();
  };

  #takeQueue(): Buffer[] {
    const pieces = this.#pieces;
    if (this.#bytes) pieces.push(this.#bytes.subarray(this.#start, this.#end));
    this.#pieces = [];
    this.#bytes = undefined;
    this.#queuedBytes = 0;
    return pieces;
  }
}
