import { FrameError, headBytes, lengthBytes } from './frame.codec.ts';
import type { FrameBytes, FrameType } from './frame.codec.ts';
import type { TableCodec } from './call.table.ts';
import { TableReader } from './table.reader.ts';
import { TableWriter } from './table.writer.ts';

/** Bytes of the identity of a table at the begin of a body: a uint64. */
const identityBytes = 9;

const writer = new TableWriter();
const reader = new TableReader();
const uint64 = 0xcf;
const uint32 = 0xce;
const bin32 = 0xc6;

/**
 * Writes a frame whose body follows a table: its identity, the values as one binary, the texts as one text.
 *
 * @throws MisfitError when the value does not fit the table
 * @throws FrameError when the frame is longer than `maxBytes`
 */
export function encodeTableFrame(
  head: { type: FrameType; id: number; table: number; maxBytes: number },
  codec: TableCodec,
  value: unknown,
): FrameBytes {
  writer.begin();
  writer.room(lengthBytes + headBytes + identityBytes + 10);
  writer.position += lengthBytes;
  writer.byte(head.type);
  writeUint32(head.id);
  writer.byte(uint64);
  writeUint32(Math.floor(head.table / 2 ** 32));
  writeUint32(head.table % 2 ** 32);
  writer.byte(bin32);
  const values = writer.position - writer.start + 4;
  writer.position += 4;
  writer.byte(uint32);
  writer.position += 4;
  try {
    codec.write(writer, value);
    const { start } = writer;
    writer.uint32(writer.position - start - values, start + values - 4);
    writer.uint32(writer.texts.length, start + values + 1);
    writer.flushTexts();
  } catch (error) {
    writer.undo();
    throw error;
  }
  const { bytes, start, position: end } = writer;
  const length = end - start - lengthBytes;
  if (length > head.maxBytes) {
    writer.undo();
    throw new FrameError(`frame of ${length} bytes, at most ${head.maxBytes} are allowed`);
  }
  writer.uint32(length, start);
  return { bytes, start, end };
}

/** The identity of the table that a body follows; undefined for a body that follows none. */
export function tableIdOf(bytes: Buffer, start: number, end: number): number | undefined {
  if (end - start < identityBytes || bytes[start] !== uint64) return undefined;
  return bytes.readUIntBE(start + 3, 6);
}

/**
 * Reads a body by the table that it names.
 *
 */
export function decodeTableBody(codec: TableCodec, bytes: Buffer, start: number, end: number): unknown {
  reader.open(bytes, start + identityBytes, end);
  const value = codec.read(reader);
  reader.close();
  return value;
}

function writeUint32(value: number): void {
  writer.uint32(value, writer.position);
  writer.position += 4;
}
