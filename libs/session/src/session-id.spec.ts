import { describe, expect, it } from 'vitest';
import { isSessionId, newSessionId, sessionIdVerifier, signSessionId, verifySessionId } from './session-id.ts';

const oldKey = 'an older key of at least 32 characters';
const newKey = 'a newer key of at least 32 characters.';

describe('session ids', () => {
  it('are a slot and 256 bits as base64url', () => {
    const id = newSessionId();
    expect(Buffer.from(id.slice(4), 'base64url')).toHaveLength(32);
    expect(isSessionId(id)).toBe(true);
  });

  it('take the slot, and nothing else, of the one that they replace', () => {
    const replaced = newSessionId();
    const id = newSessionId(replaced);
    expect(id.slice(0, 4)).toBe(replaced.slice(0, 4));
    expect(id.slice(4)).not.toBe(replaced.slice(4));
  });

  it('come back from their own signature', () => {
    const id = newSessionId();
    expect(verifySessionId(signSessionId(id, [newKey]), [newKey])).toEqual({ id, outdated: false });
  });

  it('are still accepted when signed with an older key of the list, and said to be so', () => {
    const id = newSessionId();
    expect(verifySessionId(signSessionId(id, [oldKey]), [newKey, oldKey])).toEqual({ id, outdated: true });
  });

  it('are refused when signed with a key that is no longer in the list', () => {
    expect(verifySessionId(signSessionId(newSessionId(), [oldKey]), [newKey])).toBeUndefined();
  });

  it.each(['', '.', 'x'.repeat(91), `${newSessionId()}.${'A'.repeat(43)}`, newSessionId(), '\u{1f511}'.repeat(50)])(
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

  it('are told alike by a verifier that remembers, however often and however many', () => {
    const verify = sessionIdVerifier([newKey, oldKey]);
    const [mine, older] = [newSessionId(), newSessionId()];
    for (let count = 0; count < 3; count += 1) {
      expect(verify(signSessionId(mine, [newKey]))).toEqual({ id: mine, outdated: false });
      expect(verify(signSessionId(older, [oldKey]))).toEqual({ id: older, outdated: true });
      expect(verify(`${mine}.${'A'.repeat(43)}`)).toBeUndefined();
      expect(verify(signSessionId(mine, ['a key that is none of the list at all']))).toBeUndefined();
    }
    for (let count = 0; count < 10_001; count += 1) verify(signSessionId(newSessionId(), [newKey]));
    expect(verify(signSessionId(mine, [newKey]))).toEqual({ id: mine, outdated: false });
  });

  it('cannot be signed without a key', () => {
    expect(() => signSessionId(newSessionId(), [])).toThrow(RangeError);
  });
});
