import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { CallsModule, callsToken } from '@tenfold/rpc';
import type { CallClient } from '@tenfold/rpc';
import { defineBench } from '../../frame/bench.ts';
import type { Side, Surroundings } from '../../frame/bench.ts';
import { quantileOf } from '../../frame/statistics.ts';
import type { ComputingOptions } from './computing.app.ts';
import { workCalls } from './work.calls.ts';

/** What a call computes, and how many come in a second: three times what one core has time for. */
const milliseconds = 2;
const perSecond = 1500;

/** An answer that comes later is an answer to nobody. */
const inTimeMs = 250;

/** A round is of so many calls as the slower side answers in its time, so it lasts longer than the load. */
export default defineBench({
  title: `${perSecond} calls/s of ${milliseconds} ms of computing each, three times what a replica can do: admitted up to a limit, and all; in time is ${inTimeMs} ms`,
  unit: 'call',
  reference: 'without',
  goals: [
    { measure: 'in time, %', of: 'with', to: 'without', atLeast: 2 },
    { measure: 'p99 of answers, ms', of: 'with', to: 'without', atMost: 0.3 },
  ],
  rounds: 9,
  roundMs: 4000,
  async setUp(surroundings) {
    return { with: await side(surroundings, 'on'), without: await side(surroundings, 'off') };
  },
});

async function side({ startPeer, onEnd }: Surroundings, admission: 'on' | 'off'): Promise<Side> {
  const options: ComputingOptions = { admission, secret: 'a secret of the bench and nobody else' };
  const replica = await startPeer<number>('computing', options);
  const calls = CallsModule.register({ contract: workCalls, addresses: `127.0.0.1:${replica.information}`, secret: options.secret });
  const app = await NestFactory.createApplicationContext(calls, { logger: false });
  onEnd(() => app.close());
  const client = app.get<CallClient<typeof workCalls>>(callsToken(workCalls));
  return {
    cpu: [replica],
    async run(units) {
      const answered: number[] = [];
      const call = async () => {
        const began = performance.now();
        await client.compute({ milliseconds }).then(() => answered.push(performance.now() - began), () => {});
      };
      const pending: Promise<void>[] = [];
      for (const began = performance.now(); pending.length < units; await sleep(1)) {
        const due = Math.min(units, Math.ceil(((performance.now() - began) / 1000) * perSecond));
        while (pending.length < due) pending.push(call());
      }
      await Promise.all(pending);
      const inTime = answered.filter((taken) => taken <= inTimeMs).length;
      return { result: pending.length, measures: { 'in time, %': (100 * inTime) / units, 'p99 of answers, ms': quantileOf(answered, 0.99) } };
    },
  };
}
