import { describe, expect, it } from 'vitest';
import { isSessionId, newSessionId, signSessionId, verifySessionId } from './session-id.ts';

const oldKey = 'an older key of at least 32 characters';
const newKey = 'a newer key of at least 32 characters.';

describe('session ids', () => {
  it('are 256 bits as base64url', () => {
    const id = newSessionId();
    expect(Buffer.from(id, 'base64url')).toHaveLength(32);
    expect(isSessionId(id)).toBe(true);
  });

  it('come back from their own signature', () => {
    const id = newSessionId();
    expect(verifySessionId(signSessionId(id, [newKey]), [newKey])).toBe(id);
  });

  it('are still accepted when signed with an older key of the list', () => {
    const id = newSessionId();
    expect(verifySessionId(signSessionId(id, [oldKey]), [newKey, oldKey])).toBe(id);
  });

  it('are refused when signed with a key that is no longer in the list', () => {
    expect(verifySessionId(signSessionId(newSessionId(), [oldKey]), [newKey])).toBeUndefined();
  });

  it.each(['', '.', 'x'.repeat(87), `${newSessionId()}.${'A'.repeat(43)}`, newSessionId(), '\u{1f511}'.repeat(50)])(
    'are refused when the cookie is made up: %s',
    (cookie) => {
      expect(verifySessionId(cookie, [newKey])).toBeUndefined();
    },
  );

  it('are refused when one character is changed', () => {
    const signed = signSessionId(newSessionId(), [newKey]);
    const changed = (signed.startsWith('A') ? 'B' : 'A') + signed.slice(1);
    expect(verifySessionId(changed, [newKey])).toBeUndefined();
  });

  it('cannot be signed without a key', () => {
    expect(() => signSessionId(newSessionId(), [])).toThrow(RangeError);
  });
});
