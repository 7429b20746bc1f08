import { expect, test } from 'vitest';
import { compareLsn, createContext, currentContext, raisePosition, runInContext } from './index.ts';

test('a context follows what was started in it, and nothing else', async () => {
  const read = async () => {
    await Promise.resolve();
    return currentContext()?.requestId;
  };
  const seen = await Promise.all(['a', 'b'].map((requestId) => runInContext(createContext({ requestId }), read)));

  expect(seen).toEqual(['a', 'b']);
  expect(currentContext()).toBeUndefined();
});

test('what is not given is filled in', () => {
  const context = createContext();

  expect(context.requestId).toMatch(/^[\da-f-]{36}$/);
  expect(context.traceId).toMatch(/^[\da-f]{32}$/);
  expect(context).toMatchObject({ deadline: Infinity, signal: { aborted: false } });
});

test.each([
  ['0/FF', '0/100', -1],
  ['1/0', '0/FFFFFFFF', 1],
  ['16/B374D848', '16/B374D848', 0],
])('%s compared to %s is %i', (left, right, sign) => {
  expect(Math.sign(compareLsn(left, right))).toBe(sign);
});

test('a position is raised and never lowered', () => {
  const positions = new Map();
  for (const lsn of ['0/A0', '0/9', '0/B0']) raisePosition(positions, 'catalog', lsn);

  expect(positions).toEqual(new Map([['catalog', '0/B0']]));
});
