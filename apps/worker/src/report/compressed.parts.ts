import { once } from 'node:events';
import { Readable } from 'node:stream';
import { constants, crc32, createDeflateRaw } from 'node:zlib';
import type { DeflateRaw } from 'node:zlib';
import type { ReportFiles } from './report-files.ts';

/** Parts that are finished, and what their end needs to know of them. */
export interface SavedParts {
  names: readonly string[];
  /** Of what was compressed, and how much that was. */
  crc: number;
  bytes: number;
}

interface OpenPart {
  name: string;
  deflate: DeflateRaw;
  stored: Promise<void>;
}

// RFC 1952: identification, deflate, no flags, no time, no hint, an unknown system.
const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
/** The last block of a deflate stream, with nothing in it. */
const lastBlock = Buffer.from([3, 0]);

/**
 * A gzip file in parts, each of which ends at a byte's edge without ending the stream; so a run goes on behind the parts
 * of an earlier one. All together are one member: readers of `content-encoding: gzip` stop after the first.
 */
export class CompressedParts {
  readonly #files: ReportFiles;
  readonly #folder: string;
  readonly #run: string;
  readonly #names: string[];
  #crc: number;
  #bytes: number;
  #open: OpenPart | undefined;

  constructor(files: ReportFiles, folder: string, run: string, { names, crc, bytes }: SavedParts) {
    this.#files = files;
    this.#folder = folder;
    this.#run = run;
    this.#names = [...names];
    this.#crc = crc;
    this.#bytes = bytes;
  }

  /** Resolves when there is room for more. */
  async write(text: string): Promise<void> {
    if (text.length === 0) return;
    const data = Buffer.from(text);
    this.#crc = crc32(data, this.#crc);
    this.#bytes += data.length;
    const { deflate, stored } = (this.#open ??= this.#begin());
    // A part that cannot be stored takes no more: its error ends the wait.
    if (!deflate.write(data)) await Promise.race([once(deflate, 'drain'), stored]);
  }

  /** Finishes the part under way. */
  async close(): Promise<SavedParts> {
    if (this.#open) {
      const { name, deflate, stored } = this.#open;
      this.#open = undefined;
      deflate.end();
      await stored;
      this.#names.push(name);
    }
    return { names: this.#names, crc: this.#crc, bytes: this.#bytes };
  }

  /** Makes one file of all parts. @returns its name */
  async finish(file: string): Promise<string> {
    await this.close();
    await this.#files.putStream(file, Readable.from(this.#whole()), { contentType: 'text/csv', contentEncoding: 'gzip' });
    await this.#files.deleteAll(`${this.#folder}/parts`);
    return file;
  }

  #begin(): OpenPart {
    const name = `${this.#folder}/parts/${this.#names.length + 1}-${this.#run}`;
    const deflate = createDeflateRaw({ finishFlush: constants.Z_FULL_FLUSH });
    const stored = this.#files.putStream(name, deflate);
    // It is awaited later, and must not count as unhandled until then.
    stored.catch(() => {});
    return { name, deflate, stored };
  }

  async *#whole(): AsyncGenerator<Uint8Array> {
    yield header;
    for (const name of this.#names) yield* (await this.#files.getStream(name)) as AsyncIterable<Uint8Array>;
    const trailer = Buffer.alloc(8);
    trailer.writeUInt32LE(this.#crc >>> 0, 0);
    trailer.writeUInt32LE(this.#bytes % 2 ** 32, 4);
    yield lastBlock;
    yield trailer;
  }
}
