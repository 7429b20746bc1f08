/** Bytes of one piece of memory that frames are written into, one behind the other. */
const slabBytes = 256 * 1024;

const single = new Float32Array(1);
const singleBytes = new Uint8Array(single.buffer);
const double = new Float64Array(1);
const doubleBytes = new Uint8Array(double.buffer);

/** A value does not fit its layout. `path` is where, e.g. `items.0.id`. */
export class MisfitError extends TypeError {
  override readonly name = 'MisfitError';

  constructor(
    readonly expected: string,
    readonly path = '',
  ) {
    super(`${path === '' ? 'the value' : path} is not ${expected}`);
  }
}

/**
 * Writes frames into memory that is never written to twice, so that they can be handed to the kernel as they are, and
 * several at once where they lie next to each other. Numbers go out as MessagePack; texts are collected and written as
 * one, since one long text costs a fraction of many short ones.
 */
export class TableWriter {
  bytes = Buffer.allocUnsafeSlow(slabBytes);
  /** Where the next byte goes. */
  position = 0;
  /** Where the frame begins. */
  start = 0;
  texts = '';

  begin(): void {
    this.start = this.position;
    this.texts = '';
  }

  /** Forgets what was written since `begin`. */
  undo(): void {
    this.position = this.start;
  }

  /** Makes room for so many bytes in one piece with the frame. */
  room(bytes: number): void {
    if (this.position + bytes <= this.bytes.length) return;
    const written = this.position - this.start;
    const larger = Buffer.allocUnsafeSlow(Math.max(slabBytes, 2 * (written + bytes)));
    this.bytes.copy(larger, 0, this.start, this.position);
    this.bytes = larger;
    this.start = 0;
    this.position = written;
  }

  text(value: string): void {
    this.texts += value;
    this.number(value.length);
  }

  /** Callers make room before. */
  number(value: number): void {
    const { bytes } = this;
    let { position } = this;
    if (value >>> 0 === value) {
      if (value < 0x80) bytes[position++] = value;
      else if (value < 0x100) {
        bytes[position++] = 0xcc;
        bytes[position++] = value;
      } else if (value < 0x10000) {
        bytes[position++] = 0xcd;
        bytes[position++] = value >>> 8;
        bytes[position++] = value;
      } else {
        bytes[position++] = 0xce;
        position = writeUint32(bytes, position, value);
      }
    } else if ((value | 0) === value) {
      if (value >= -0x20) bytes[position++] = value;
      else {
        bytes[position++] = 0xd2;
        position = writeUint32(bytes, position, value);
      }
    } else if (Math.fround(value) === value) {
      bytes[position++] = 0xca;
      single[0] = value;
      for (let index = 3; index >= 0; index -= 1) bytes[position++] = singleBytes[index] as number;
    } else {
      bytes[position++] = 0xcb;
      double[0] = value;
      for (let index = 7; index >= 0; index -= 1) bytes[position++] = doubleBytes[index] as number;
    }
    this.position = position;
  }

  /** One byte that is a whole MessagePack value: nil, false, true or a small number. */
  byte(value: number): void {
    this.bytes[this.position] = value;
    this.position += 1;
  }

  /** A value that no layout describes, as a text of JSON: on small values of any shape, nothing in JavaScript is faster. */
  plain(value: unknown): void {
    const text = JSON.stringify(value) as string | undefined;
    if (text === undefined) throw new MisfitError('plain data');
    this.text(text);
  }

  uint32(value: number, at: number): void {
    writeUint32(this.bytes, at, value);
  }

  /** Writes the texts collected, with a str32 head. */
  flushTexts(): number {
    const { texts } = this;
    this.room(5 + 3 * texts.length);
    const start = this.position + 5;
    const length = this.bytes.write(texts, start, 'utf8');
    this.bytes[this.position] = 0xdb;
    writeUint32(this.bytes, this.position + 1, length);
    this.position = start + length;
    return length;
  }
}

function writeUint32(bytes: Buffer, position: number, value: number): number {
  bytes[position] = value >>> 24;
  bytes[position + 1] = value >>> 16;
  bytes[position + 2] = value >>> 8;
  bytes[position + 3] = value;
  return position + 4;
}
