import { setTimeout as sleep } from 'node:timers/promises';
import { expect, inject, test, vi } from 'vitest';
import { KafkaSender } from './kafkajs.sender.ts';

test('an idle client sets no timer', async () => {
  const sender = new KafkaSender([inject('servers').kafka], 'test');
  await sender.connect();
  await sleep(300);
  const setTimer = vi.spyOn(globalThis, 'setTimeout');
  await sleep(500);
  const ofKafka = setTimer.mock.calls.filter(([callback]) => String(callback).includes('checkPendingRequests'));
  setTimer.mockRestore();
  expect(ofKafka).toHaveLength(0);
  await sender.close();
});
