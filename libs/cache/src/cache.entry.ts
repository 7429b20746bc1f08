import { crc32 } from 'node:zlib';
import { Packr } from 'msgpackr';

/*
 * What stands in Redis: one byte that names the kind, the CRC-32 of the payload, the payload as MessagePack. The CRC
 * starts from the cache's name and version, so an entry that someone else wrote, or half of one, is no entry.
 */

const kinds = { value: 0x76, absent: 0x61 } as const;
const headerLength = 5;

/** Stands where an entry was forgotten and keeps loads that began earlier from putting their value back. */
export const tombstone = Buffer.from('t');

export type Found<Value> =
  | { kind: 'value'; value: Value }
  /** The source had nothing. */
  | { kind: 'absent' }
  | { kind: 'nothing' | 'tombstone' | 'garbage' };

export interface EntryCodec<Value> {
  /** @param value undefined for "the source has nothing" */
  encode(value: Value | undefined): Buffer;
  decode(entry: Buffer | null): Found<Value>;
}

const codec = new Packr({ useRecords: false });

/** @param identity of the cache and the version of its values */
export function entryCodec<Value>(identity: string): EntryCodec<Value> {
  const seed = crc32(identity);
  return {
    encode(value) {
      const payload = value === undefined ? Buffer.alloc(0) : codec.pack(value);
      const entry = Buffer.allocUnsafe(headerLength + payload.length);
      entry[0] = value === undefined ? kinds.absent : kinds.value;
      entry.writeUInt32BE(crc32(payload, seed), 1);
      payload.copy(entry, headerLength);
      return entry;
    },
    decode(entry) {
      if (entry === null) return { kind: 'nothing' };
      if (entry.equals(tombstone)) return { kind: 'tombstone' };
      if (entry.length < headerLength) return { kind: 'garbage' };
      const payload = entry.subarray(headerLength);
      if (entry.readUInt32BE(1) !== crc32(payload, seed)) return { kind: 'garbage' };
      if (entry[0] === kinds.absent) return { kind: 'absent' };
      if (entry[0] !== kinds.value) return { kind: 'garbage' };
      return { kind: 'value', value: codec.unpack(payload) as Value };
    },
  };
}
