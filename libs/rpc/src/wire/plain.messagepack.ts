import { Packr, RESERVE_START_SPACE, Unpackr } from 'msgpackr';

/** Arrays and maps inside of each other; contracts are far flatter. Decoding is recursive, so there must be a limit. */
export const maxDepth = 32;

/** Values in one body; a million of them would fit into a frame, and take fifty times its length in memory. */
const maxValues = 200_000;

const options = { useRecords: false, mapsAsObjects: true, int64AsType: 'number', copyBuffers: true } as const;
const packr = new Packr(options);
const unpackr = new Unpackr(options);
const range = { start: 0, end: 0 };
const unfinished = new Uint32Array(maxDepth);

/** The bytes are no MessagePack, or more than plain data: nothing of them was decoded. */
export class NotPlainError extends Error {
  override readonly name = 'NotPlainError';
}

/** Encodes a value, leaving room for `reserved` bytes (at most 255) before it. */
export function encodePlain(value: unknown, reserved: number): Buffer {
  return packr.pack(value, RESERVE_START_SPACE | reserved);
}

/**
 * Decodes plain data: null, undefined, booleans, numbers, strings, binary, arrays and maps with text keys.
 * Anything else that msgpackr knows, such as its records, dates, regular expressions or cycles, is refused before
 * it is decoded: https://github.com/msgpack/msgpack/blob/master/spec.md names the tokens.
 *
 * @throws NotPlainError
 */
export function decodePlain(bytes: Buffer, start: number, end: number): unknown {
  assertPlain(bytes, start, end);
  range.start = start;
  range.end = end;
  try {
    return unpackr.unpack(bytes, range) as unknown;
  } catch (error) {
    throw new NotPlainError('cannot be decoded', { cause: error });
  }
}

/** Walks over the tokens without decoding them; the counts of open arrays and maps are its only state. */
function assertPlain(bytes: Buffer, start: number, end: number): void {
  let position = start;
  let depth = 0;
  let left = 1;
  let values = 1;
  for (;;) {
    while (left === 0) {
      if (depth === 0) {
        if (position !== end) throw new NotPlainError(`${end - position} bytes too many or too few`);
        return;
      }
      depth -= 1;
      left = unfinished[depth] as number;
    }
    left -= 1;
    if (position >= end) throw new NotPlainError('ends too early');
    const token = bytes[position] as number;
    position += 1;
    if (token <= 0x7f || token >= 0xe0) continue;
    let members = -1;
    if (token <= 0x8f) members = 2 * (token & 0x0f);
    else if (token <= 0x9f) members = token & 0x0f;
    else if (token <= 0xbf) position += token & 0x1f;
    else {
      switch (token) {
        case 0xc0:
        case 0xc2:
        case 0xc3:
          break;
        case 0xcc:
        case 0xd0:
          position += 1;
          break;
        case 0xcd:
        case 0xd1:
          position += 2;
          break;
        case 0xca:
        case 0xce:
        case 0xd2:
          position += 4;
          break;
        case 0xcb:
        case 0xcf:
        case 0xd3:
          position += 8;
          break;
        case 0xc4:
        case 0xd9:
          position += 1 + lengthAt(bytes, position, 1, end);
          break;
        case 0xc5:
        case 0xda:
          position += 2 + lengthAt(bytes, position, 2, end);
          break;
        case 0xc6:
        case 0xdb:
          position += 4 + lengthAt(bytes, position, 4, end);
          break;
        case 0xdc:
          members = lengthAt(bytes, position, 2, end);
          position += 2;
          break;
        case 0xdd:
          members = lengthAt(bytes, position, 4, end);
          position += 4;
          break;
        case 0xde:
          members = 2 * lengthAt(bytes, position, 2, end);
          position += 2;
          break;
        case 0xdf:
          members = 2 * lengthAt(bytes, position, 4, end);
          position += 4;
          break;
        case 0xd4:
          // The one extension let through, as msgpackr writes `undefined`: type 0 with one byte of filling.
          if (bytes[position] !== 0) throw new NotPlainError(`extension type ${bytes[position]}`);
          position += 2;
          break;
        default:
          throw new NotPlainError(`token ${token} is not plain data`);
      }
    }
    if (position > end) throw new NotPlainError('ends too early');
    if (members < 0) continue;
    if (members > end - position) throw new NotPlainError(`announces ${members} values in ${end - position} bytes`);
    values += members;
    if (values > maxValues) throw new NotPlainError(`more than ${maxValues} values`);
    if (depth === maxDepth) throw new NotPlainError(`nested deeper than ${maxDepth}`);
    unfinished[depth] = left;
    depth += 1;
    left = members;
  }
}

function lengthAt(bytes: Buffer, position: number, size: number, end: number): number {
  if (position + size > end) throw new NotPlainError('ends too early');
  return bytes.readUIntBE(position, size);
}
