import { createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto';

/** Characters before the secret part: 24 bits name one of Redis Cluster's 16,384 slots. */
const slotLength = 4;
const idLength = slotLength + 43;
/** Texts of which something is remembered; whoever falls out is computed again. */
const mostRemembered = 10_000;
const idPattern = /^[A-Za-z0-9_-]{47}$/;

/**
 * A slot, and 256 random bits as base64url: four times the entropy that OWASP asks of a session id. The slot is no
 * secret: it lets the session that replaces another stand on the same node of a cluster, where one script reaches both.
 *
 * @param replaced id of the session whose slot the new one takes
 */
export function newSessionId(replaced?: string): string {
  const slot = replaced?.slice(0, slotLength) ?? randomBytes(3).toString('base64url');
  return slot + randomBytes(32).toString('base64url');
}

/** A public name for a session, drawn apart from its id. */
export function newSessionHandle(): string {
  return randomBytes(12).toString('base64url');
}

/** Whether the text can be a session id at all; anything else need not be looked up. */
export function isSessionId(text: string): boolean {
  return idPattern.test(text);
}

/** What the store keeps in place of the id, so that a leaked dump of Redis opens no session: `{<slot>}<SHA-256>`. */
export const hashSessionId: (id: string) => string = remembering((id) => `{${id.slice(0, slotLength)}}${hash('sha256', id, 'base64url')}`);

/**
 * The id with a signature, `<id>.<HMAC-SHA256>`, as a cookie carries it: a made-up cookie is refused without asking Redis.
 *
 * @param keys signing keys, newest first; the first one signs
 * @throws RangeError without a key
 */
export function signSessionId(id: string, keys: readonly string[]): string {
  const key = keys[0];
  if (!key) throw new RangeError('Signing a session id needs a key.');
  return `${id}.${signature(id, key).toString('base64url')}`;
}

export interface VerifiedSessionId {
  id: string;
  /** Signed by an older key: sign it anew, so that the key can be dropped. */
  outdated: boolean;
}

/**
 * The id, if one of the keys signed it; compared in constant time. To replace a key, put the new one in front; drop the
 * old one after the idle limit, when every session still in use has been signed anew.
 */
export function verifySessionId(signed: string, keys: readonly string[]): VerifiedSessionId | undefined {
  const id = signed.slice(0, idLength);
  if (signed.length !== idLength + 44 || signed[idLength] !== '.' || !isSessionId(id)) return undefined;
  const given = Buffer.from(signed.slice(idLength + 1), 'base64url');
  if (given.length !== 32) return undefined;
  const signedBy = keys.findIndex((key) => timingSafeEqual(given, signature(id, key)));
  return signedBy === -1 ? undefined : { id, outdated: signedBy > 0 };
}

/** {@link verifySessionId} with these keys. */
export function sessionIdVerifier(keys: readonly string[]): (signed: string) => VerifiedSessionId | undefined {
  return remembering((signed) => verifySessionId(signed, keys));
}

/**
 * Computes something of a text once: the same cookie comes with each request of a visit, and neither its signature nor the
 * hash of its id need be computed each time. What is undefined is not remembered.
 */
function remembering<Result>(compute: (text: string) => Result): (text: string) => Result {
  const known = new Map<string, Result>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const result = compute(text);
    if (result === undefined) return result;
    if (known.size >= mostRemembered) known.delete(known.keys().next().value as string);
    known.set(text, result);
    return result;
  };
}

function signature(id: string, key: string): Buffer {
  return createHmac('sha256', key).update(id).digest();
}
