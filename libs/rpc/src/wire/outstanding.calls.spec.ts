import { expect, test } from 'vitest';
import { OutstandingCalls } from './outstanding.calls.ts';

const callOf = (id: number) => ({ id });

test.each([
  ['one after the other', (index: number) => index],
  ['so that they collide', (index: number) => (index * 65_536) >>> 0],
  ['at random', (index: number) => (index * 2_654_435_761) >>> 0],
])('each of many calls that are numbered %s is found by its id, and taken out once', (_, idOf) => {
  const calls = new OutstandingCalls<{ id: number }>();
  const ids = Array.from({ length: 5000 }, (_unused, index) => idOf(index));
  for (const id of ids) calls.add(id, callOf(id));
  expect(calls.size).toBe(5000);
  expect(new Set(calls.all().map(({ id }) => id))).toEqual(new Set(ids));

  for (const id of ids) expect(calls.get(id)).toEqual(callOf(id));
  for (const id of ids) expect(calls.take(id)).toEqual(callOf(id));
  for (const id of ids) expect(calls.take(id)).toBeUndefined();
  expect(calls.size).toBe(0);
});

test('a call that stays while thousands come and go is still there', () => {
  const calls = new OutstandingCalls<{ id: number }>();
  calls.add(7, callOf(7));
  for (let id = 8; id < 10_000; id += 1) {
    calls.add(id, callOf(id));
    expect(calls.take(id)).toEqual(callOf(id));
  }

  expect(calls.get(7)).toEqual(callOf(7));
  expect(calls.all()).toEqual([callOf(7)]);
});

test('an id that was given up is not taken for the call that lies in its place now', () => {
  const calls = new OutstandingCalls<{ id: number }>();
  calls.add(1, callOf(1));
  calls.take(1);
  calls.add(1 + 256, callOf(1 + 256));

  expect(calls.get(1)).toBeUndefined();
  expect(calls.take(1)).toBeUndefined();
  expect(calls.size).toBe(1);
});

test('id 0 is no call before one was added under it', () => {
  const calls = new OutstandingCalls<{ id: number }>();
  expect(calls.get(0)).toBeUndefined();
  calls.add(0, callOf(0));
  calls.clear();

  expect(calls.get(0)).toBeUndefined();
});
