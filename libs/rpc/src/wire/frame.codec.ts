import { encodePlain } from './plain.messagepack.ts';

/**
 * Terminology; docs/call-protocol.md has it byte by byte.
 * - Frame: 4 bytes length of the rest, 1 byte type, 4 bytes call id (0 where none belongs), body; big endian.
 * - Handshake frames have binary bodies, see `handshake.protocol.ts`; nothing else is read before it is done.
 * - A body is plain MessagePack, or follows a table, see `frame.writer.ts`: then it begins with the table's identity.
 * - Request: [call name, remaining milliseconds, request id, traceparent or bare trace id, positions or null,
 *   payload].
 * - Answer: [raised positions or null, payload]. Refusal: [raised positions or null, code, message, retryAfterMs or
 *   null, issues or null].
 * - Items: a part of a streamed answer, a list of its items. Credit: the caller takes so many more of them.
 * - Cancel: the caller no longer waits for that id. Drain: send no new requests; what is in flight is answered.
 * - Ping and pong: still there.
 */
export const FrameType = {
  Hello: 1,
  Proof: 2,
  Welcome: 3,
  Refused: 4,
  Request: 5,
  Answer: 6,
  Refusal: 7,
  Cancel: 8,
  Drain: 9,
  Ping: 10,
  Pong: 11,
  Items: 12,
  Credit: 13,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** Goes up with every change that an older side would misread. */
export const protocolVersion = 2;

export const lengthBytes = 4;
/** Type and id. */
export const headBytes = 5;

/** A frame and where it lies; its bytes are never written to again. */
export interface FrameBytes {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/** The peer breaks the frame format; the connection cannot be used any further. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

/** A frame whose body is plain MessagePack. */
export function encodeFrame(type: FrameType, id: number, body: unknown): FrameBytes {
  const frame = encodePlain(body, lengthBytes + headBytes);
  return writeHead(frame, type, id);
}

/** A frame whose body is binary or empty. */
export function encodeBinaryFrame(type: FrameType, id: number, ...parts: readonly Uint8Array[]): FrameBytes {
  const frame = Buffer.concat([Buffer.alloc(lengthBytes + headBytes), ...parts]);
  return writeHead(frame, type, id);
}

function writeHead(frame: Buffer, type: FrameType, id: number): FrameBytes {
  frame.writeUInt32BE(frame.length - lengthBytes, 0);
  frame[lengthBytes] = type;
  frame.writeUInt32BE(id, lengthBytes + 1);
  return { bytes: frame, start: 0, end: frame.length };
}

/** Takes a frame: its type, its id, and where in `bytes` its body lies. The bytes are not copied. */
export type OnFrame = (type: number, id: number, bytes: Buffer, start: number, end: number) => void;

/** Cuts a stream of bytes into frames. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #buffered = 0;
  #needed = 0;
  #stopped = false;

  constructor(
    /** Bytes of the longest frame; may be raised once the peer is known. */
    public maxFrameBytes: number,
    private readonly onFrame: OnFrame,
  ) {}

  /** @throws FrameError when a frame is announced that is too long or too short; before anything is kept for it */
  push(chunk: Buffer): void {
    let bytes = chunk;
    if (this.#buffered > 0) {
      this.#chunks.push(chunk);
      this.#buffered += chunk.length;
      if (this.#buffered < this.#needed) return;
      bytes = Buffer.concat(this.#chunks, this.#buffered);
      this.#chunks = [];
      this.#buffered = 0;
    }
    let offset = 0;
    let needed = lengthBytes;
    while (!this.#stopped && bytes.length - offset >= lengthBytes) {
      const length = bytes.readUInt32BE(offset);
      if (length > this.maxFrameBytes || length < headBytes) throw new FrameError(`frame of ${length} bytes`);
      needed = lengthBytes + length;
      if (bytes.length - offset < needed) break;
      const start = offset + lengthBytes;
      offset += needed;
      needed = lengthBytes;
      this.onFrame(bytes[start] as number, bytes.readUInt32BE(start + 1), bytes, start + headBytes, offset);
    }
    if (offset === bytes.length || this.#stopped) return;
    const rest = bytes.subarray(offset);
    this.#chunks.push(rest);
    this.#buffered = rest.length;
    this.#needed = needed;
  }

  /** Hands out no more frames, not even those that have arrived already. */
  stop(): void {
    this.#stopped = true;
    this.#chunks = [];
    this.#buffered = 0;
  }
}
