import { maxDepth, NotPlainError } from './plain.messagepack.ts';

const [quote, backslash, openBracket, closeBracket, openBrace, closeBrace] = [0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d];

const single = new Float32Array(1);
const singleBytes = new Uint8Array(single.buffer);
const double = new Float64Array(1);
const doubleBytes = new Uint8Array(double.buffer);

/**
 * Reads what a {@link TableWriter} wrote. Every read moves on by at least one byte and none goes beyond the values
 * unnoticed, so the work and the memory are bounded by the length of the frame.
 */
export class TableReader {
  bytes: Buffer = Buffer.alloc(0);
  position = 0;
  /** Where the values end. */
  end = 0;
  #texts = '';
  #textPosition = 0;

  /** Finds values and texts of a body: a bin32 and a str32. @throws NotPlainError */
  open(bytes: Buffer, start: number, end: number): void {
    const valuesEnd = start + 5 + uint32At(bytes, start, end, 0xc6);
    const textsStart = valuesEnd + 5;
    if (textsStart + uint32At(bytes, valuesEnd, end, 0xdb) !== end) throw new NotPlainError('lengths do not add up');
    this.bytes = bytes;
    this.position = start + 5;
    this.end = valuesEnd;
    const units = this.number();
    this.#textPosition = 0;
    // As many bytes as units: all of it is ASCII, which is read several times as fast.
    this.#texts = bytes.toString(units === end - textsStart ? 'latin1' : 'utf8', textsStart, end);
  }

  /** @throws NotPlainError when anything was left unread, or more was read than there is */
  close(): void {
    if (this.position !== this.end) throw new NotPlainError('more or fewer values than the table has');
    if (this.#textPosition !== this.#texts.length) throw new NotPlainError('more or fewer texts than the table has');
    this.#texts = '';
  }

  text(): string {
    const start = this.#textPosition;
    const end = start + this.number();
    if (!(end <= this.#texts.length) || end < start) throw new NotPlainError('a text ends too early');
    this.#textPosition = end;
    return this.#texts.substring(start, end);
  }

  number(): number {
    const { bytes } = this;
    const { position } = this;
    const token = bytes[position] as number;
    if (token < 0x80) {
      this.position = position + 1;
      return token;
    }
    switch (token) {
      case 0xcc:
        this.position = position + 2;
        return bytes[position + 1] as number;
      case 0xcd:
        this.position = position + 3;
        return ((bytes[position + 1] as number) << 8) | (bytes[position + 2] as number);
      case 0xce:
        this.position = position + 5;
        return int32At(bytes, position + 1) >>> 0;
      case 0xd2:
        this.position = position + 5;
        return int32At(bytes, position + 1);
      case 0xca:
        this.position = position + 5;
        for (let index = 3; index >= 0; index -= 1) singleBytes[index] = bytes[position + 4 - index] as number;
        return single[0] as number;
      case 0xcb:
        this.position = position + 9;
        for (let index = 7; index >= 0; index -= 1) doubleBytes[index] = bytes[position + 8 - index] as number;
        return double[0] as number;
      default:
        if (token < 0xe0) throw new NotPlainError(`token ${token} is no number`);
        this.position = position + 1;
        return token - 0x100;
    }
  }

  boolean(): boolean {
    const token = this.bytes[this.position];
    if (token !== 0xc2 && token !== 0xc3) throw new NotPlainError(`token ${token} is no boolean`);
    this.position += 1;
    return token === 0xc3;
  }

  choice(values: readonly string[]): string {
    const value = values[this.number()];
    if (value === undefined) throw new NotPlainError('none of the choices');
    return value;
  }

  /** Whether nil comes next; if so, it is passed. */
  nil(): boolean {
    if (this.bytes[this.position] !== 0xc0) return false;
    this.position += 1;
    return true;
  }

  /** Number of members of a list, each of at least one byte; refused before any of them is made. */
  count(max: number): number {
    const count = this.number();
    if (!(count >= 0 && count <= this.end - this.position)) throw new NotPlainError(`announces ${count} members`);
    if (count > max) throw new NotPlainError(`a list of ${count} members, at most ${max} are allowed`);
    return count;
  }

  /** Throws when a list goes on beyond the values. */
  member(): void {
    if (this.position >= this.end) throw new NotPlainError('a list ends too early');
  }

  plain(): unknown {
    const text = this.text();
    assertFlat(text);
    try {
      return JSON.parse(text) as unknown;
    } catch (cause) {
      throw new NotPlainError('a plain part is no JSON', { cause });
    }
  }
}

/** Whoever walks over the value later may do so recursively. */
function assertFlat(text: string): void {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (quoted) {
      if (character === backslash) at += 1;
      else if (character === quote) quoted = false;
    } else if (character === quote) quoted = true;
    else if (character === openBracket || character === openBrace) {
      depth += 1;
      if (depth > maxDepth) throw new NotPlainError(`nested deeper than ${maxDepth}`);
    } else if (character === closeBracket || character === closeBrace) depth -= 1;
  }
}

function uint32At(bytes: Buffer, position: number, end: number, token: number): number {
  if (position + 5 > end || bytes[position] !== token) throw new NotPlainError(`no token ${token}`);
  return int32At(bytes, position + 1) >>> 0;
}

function int32At(bytes: Buffer, position: number): number {
  return (
    ((bytes[position] as number) << 24) |
    ((bytes[position + 1] as number) << 16) |
    ((bytes[position + 2] as number) << 8) |
    (bytes[position + 3] as number)
  );
}
