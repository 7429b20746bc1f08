import { Packr } from 'msgpackr';
import type { Session, SessionAccount } from './session.ts';

const codec = new Packr({ useRecords: false, moreTypes: false });

/** The identity as the field `account` holds it; the id has a field of its own, which scripts can read. */
export function encodeAccount({ email, name, role }: SessionAccount): Buffer {
  return codec.pack([email, name, role]);
}

/** The session behind the fields of its hash, or undefined if they make no sense. Fields unknown to this version are skipped. */
export function decodeSession(fields: readonly Buffer[]): Session | undefined {
  const cart = new Map<number, number>();
  const positions = new Map<string, string>();
  const single: Record<string, Buffer> = {};
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const name = (fields[index] as Buffer).toString();
    const value = fields[index + 1] as Buffer;
    if (name.startsWith('cart:')) cart.set(Number(name.slice(5)), Number(value));
    else if (name.startsWith('position:')) positions.set(name.slice(9), value.toString('latin1'));
    else single[name] = value;
  }
  for (const [productId, quantity] of cart) {
    if (!Number.isSafeInteger(productId) || !Number.isSafeInteger(quantity)) return undefined;
  }
  const { handle, device, accountId, account: identity } = single;
  const createdAt = new Date(Number(single['createdAt']));
  const lastUsedAt = new Date(Number(single['lastUsedAt']));
  if (!handle || !device || Number.isNaN(createdAt.valueOf()) || Number.isNaN(lastUsedAt.valueOf())) return undefined;

  const session: Session = { handle: handle.toString('latin1'), cart, positions, device: device.toString(), createdAt, lastUsedAt };
  if (!accountId && !identity) return session;
  const account = accountId && identity && decodeAccount(accountId.toString('latin1'), identity);
  return account ? { ...session, account } : undefined;
}

function decodeAccount(id: string, identity: Buffer): SessionAccount | undefined {
  let parts: unknown;
  try {
    parts = codec.unpack(identity);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parts)) return undefined;
  const [email, name, role]: unknown[] = parts;
  if (typeof email !== 'string' || typeof name !== 'string' || typeof role !== 'string') return undefined;
  return { id, email, name, role };
}
