import { Packr } from 'msgpackr';
import type { Session, SessionAccount } from './session.ts';

/** Of the values in Redis. One of another format is no session: whoever had it logs in again. */
export const recordFormat = 2;

/**
 * A session as Redis holds it, one MessagePack array, which scripts read and change in place. Pairs are lists of a name
 * and a value in turn: Lua cannot tell an empty map from an empty list, nor one of the keys 1, 2, 3 from a list of three.
 * A newer version may add further elements; they are kept.
 */
export type SessionRecord = [
  format: number,
  /** Whose value this is, as its key ends: what tells a reply to another question apart. */
  hash: string,
  handle: string,
  device: string,
  createdAt: number,
  /** Only what the key's own end does not tell: it is `idle` after the last use, while the absolute limit is farther away. */
  lastUsedAt: number,
  /** Id, email, name, role; empty for a visitor. */
  account: string[],
  /** Product id, quantity, … */
  cart: number[],
  /** Database, LSN, … */
  positions: string[],
];

const codec = new Packr({ useRecords: false, moreTypes: false, int64AsType: 'number' });

/** What stands in Redis, or undefined if it makes no sense. */
export function decodeRecord(value: Buffer): SessionRecord | undefined {
  let record: unknown;
  try {
    record = codec.unpack(value);
  } catch {
    return undefined;
  }
  return isRecord(record) ? record : undefined;
}

function isRecord(record: unknown): record is SessionRecord {
  if (!Array.isArray(record) || record[0] !== recordFormat) return false;
  const [, hash, handle, device, createdAt, lastUsedAt, account, cart, positions] = record as unknown[];
  if (typeof hash !== 'string' || typeof handle !== 'string' || typeof device !== 'string') return false;
  if (!Number.isSafeInteger(createdAt) || !Number.isSafeInteger(lastUsedAt)) return false;
  return isListOf(account, isText) && (account.length === 0 || account.length === 4) && isPairs(cart, Number.isSafeInteger) && isPairs(positions, isText);
}

const isText = (value: unknown) => typeof value === 'string';

function isListOf(value: unknown, isOne: (element: unknown) => boolean): value is unknown[] {
  if (!Array.isArray(value)) return false;
  for (const element of value) if (!isOne(element)) return false;
  return true;
}

function isPairs(value: unknown, isOne: (element: unknown) => boolean): boolean {
  return isListOf(value, isOne) && value.length % 2 === 0;
}

/** @param lastUsedAt by the clock of Redis, in milliseconds */
export function sessionOf([, , handle, device, createdAt, , account, cart, positions]: SessionRecord, lastUsedAt: number): Session {
  const session: Session = {
    handle,
    cart: pairsOf(cart),
    positions: pairsOf(positions),
    device,
    createdAt: new Date(createdAt),
    lastUsedAt: new Date(Math.max(createdAt, lastUsedAt)),
  };
  const [id, email, name, role] = account as [string, string, string, string];
  if (account.length > 0) session.account = { id, email, name, role } satisfies SessionAccount;
  return session;
}

function pairsOf<Element>(elements: readonly Element[]): Map<Element, Element> {
  const pairs = new Map<Element, Element>();
  for (let index = 0; index < elements.length; index += 2) pairs.set(elements[index] as Element, elements[index + 1] as Element);
  return pairs;
}
