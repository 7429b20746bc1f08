import { crc32, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { Packr } from 'msgpackr';

/*
 * What stands in Redis: one byte that names the kind, the CRC-32 of what follows, the milliseconds that the load took, the
 * revision of the value, the value as MessagePack. The CRC starts from the cache's name and version, so an entry that someone else wrote, or half of
 * one, is no entry.
 */

const kinds = { value: 0x76, compressed: 0x7a, absent: 0x61 } as const;
const crcAt = 1;
const loadMsAt = 5;
const revisionAt = 9;
const headerLength = 17;

/** Stands where an entry was forgotten, for as long as a database replica may still give the old value. */
export const tombstone = Buffer.from('t');

/** Bytes from which a value is compressed; below, it costs more time than the network and Redis' memory are worth. */
const compressedFrom = 4_096;
/** No entry unpacks to more: a small one that somebody forged could otherwise fill the memory. */
const largestValue = 16 * 1_048_576;

export type Found<Value> =
  /** `value` is undefined when the source had nothing. */
  | { kind: 'value'; value: Value | undefined; loadMs: number }
  | { kind: 'nothing' | 'tombstone' | 'garbage' };

export interface EntryCodec<Value> {
  /**
   * @param value undefined for "the source has nothing"
   * @param loadMs how long the load took
   * @param revision what tells the later of two values; 0 where nothing is put
   */
  encode(value: Value | undefined, loadMs: number, revision?: number): Buffer;
  decode(entry: Buffer | null): Found<Value>;
}

const codec = new Packr({ useRecords: false });

/** @param identity of the cache and the version of its values */
export function entryCodec<Value>(identity: string): EntryCodec<Value> {
  const seed = crc32(identity);
  return {
    encode(value, loadMs, revision = 0) {
      const packed = value === undefined ? Buffer.alloc(0) : codec.pack(value);
      const isLarge = packed.length >= compressedFrom;
      const payload = isLarge ? zstdCompressSync(packed) : packed;
      const entry = Buffer.allocUnsafe(headerLength + payload.length);
      entry[0] = value === undefined ? kinds.absent : isLarge ? kinds.compressed : kinds.value;
      entry.writeUInt32BE(Math.min(Math.max(0, Math.round(loadMs)), 0xff_ff_ff_ff), loadMsAt);
      entry.writeDoubleBE(revision, revisionAt);
      payload.copy(entry, headerLength);
      entry.writeUInt32BE(crc32(entry.subarray(loadMsAt), seed), crcAt);
      return entry;
    },
    decode(entry) {
      if (entry === null) return { kind: 'nothing' };
      if (entry.equals(tombstone)) return { kind: 'tombstone' };
      if (entry.length < headerLength || entry.readUInt32BE(crcAt) !== crc32(entry.subarray(loadMsAt), seed)) return { kind: 'garbage' };
      const loadMs = entry.readUInt32BE(loadMsAt);
      if (entry[0] === kinds.absent) return { kind: 'value', value: undefined, loadMs };
      try {
        const payload = entry.subarray(headerLength);
        if (entry[0] === kinds.value) return { kind: 'value', value: codec.unpack(payload) as Value, loadMs };
        if (entry[0] !== kinds.compressed) return { kind: 'garbage' };
        return { kind: 'value', value: codec.unpack(zstdDecompressSync(payload, { maxOutputLength: largestValue })) as Value, loadMs };
      } catch {
        return { kind: 'garbage' };
      }
    },
  };
}
