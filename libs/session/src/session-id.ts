import { createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto';

const idPattern = /^[A-Za-z0-9_-]{43}$/;

/** 256 random bits as base64url: four times the entropy that OWASP asks of a session id. */
export function newSessionId(): string {
  return randomBytes(32).toString('base64url');
}

/** A public name for a session, drawn apart from its id. */
export function newSessionHandle(): string {
  return randomBytes(12).toString('base64url');
}

/** Whether the text can be a session id at all; anything else need not be looked up. */
export function isSessionId(text: string): boolean {
  return idPattern.test(text);
}

/** What the store keeps in place of the id, so that a leaked dump of Redis opens no session. */
export function hashSessionId(id: string): string {
  return hash('sha256', id, 'base64url');
}

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

/**
 * The id, if one of the keys signed it; compared in constant time. To replace a key, put the new one in front and drop
 * the old one once every session signed with it is over.
 */
export function verifySessionId(signed: string, keys: readonly string[]): string | undefined {
  const id = signed.slice(0, 43);
  if (signed.length !== 87 || signed[43] !== '.' || !isSessionId(id)) return undefined;
  const given = Buffer.from(signed.slice(44), 'base64url');
  if (given.length !== 32) return undefined;
  return keys.some((key) => timingSafeEqual(given, signature(id, key))) ? id : undefined;
}

function signature(id: string, key: string): Buffer {
  return createHmac('sha256', key).update(id).digest();
}
