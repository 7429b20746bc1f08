import 'reflect-metadata';
import type { Outcome, Side, Surroundings } from '../frame/bench.ts';
import type { Kind } from './answering.peer.ts';
import { callers, echoCaller } from './callers.ts';
import { orderOf } from './order.contract.ts';

const secret = 'known to both sides of the benchmark';

/** Bytes of a frame of ours, and of each order in it. */
const headBytes = 100;
const orderBytes = 460;

export type SideName = Exclude<Kind, 'echo'> | 'raw echo';

/** Each way to call, with so many calls in flight; CPU is that of both sides. */
export async function sidesOf(surroundings: Surroundings, concurrency: number, batch = 1): Promise<Record<SideName, Side>> {
  return {
    Tenfold: await side('Tenfold', surroundings, concurrency, batch),
    'Nest TCP': await side('Nest TCP', surroundings, concurrency, batch),
    'grpc-js': await side('grpc-js', surroundings, concurrency, batch),
    HTTP: await side('HTTP', surroundings, concurrency, batch),
    'raw echo': await echoSide(surroundings, concurrency, batch),
  };
}

export async function tenfoldAlone(surroundings: Surroundings, concurrency: number): Promise<Record<'Tenfold', Side>> {
  return { Tenfold: await side('Tenfold', surroundings, concurrency, 1) };
}

async function side(kind: Exclude<Kind, 'echo'>, { startPeer, ownCpu, onEnd }: Surroundings, concurrency: number, batch: number): Promise<Side> {
  const peer = await startPeer<number>('answering', kind);
  const caller = await callers[kind]({ port: peer.information, secret, concurrency });
  onEnd(() => caller.close());
  const call = async (number: number): Promise<number> => {
    if (batch === 1) return (await caller.place(orderOf(number))).totalCents;
    const { items } = await caller.placeAll({ items: Array.from({ length: batch }, (_, index) => orderOf(number + index)) });
    return items.reduce((sum, { totalCents }) => sum + totalCents, 0);
  };
  return { cpu: [ownCpu, peer], run: (units) => drive(units, concurrency, call) };
}

/** With as many bytes as ours. */
async function echoSide({ startPeer, ownCpu, onEnd }: Surroundings, concurrency: number, batch: number): Promise<Side> {
  const peer = await startPeer<number>('answering', 'echo');
  const { call, close } = await echoCaller(peer.information, headBytes + batch * orderBytes);
  onEnd(close);
  const sum = batch * orderOf(0).totalCents;
  return {
    cpu: [ownCpu, peer],
    run: (units) =>
      drive(units, concurrency, async () => {
        await call();
        return sum;
      }),
  };
}

/** Keeps so many calls in flight until `units` are done. The slowest of a hundred goes into the measures. */
async function drive(units: number, concurrency: number, call: (number: number) => Promise<number>): Promise<Outcome> {
  const latencies = new Float64Array(units);
  let started = 0;
  let sum = 0;
  const callOneByOne = async () => {
    while (started < units) {
      const number = started;
      started += 1;
      const from = performance.now();
      const answer = await call(number);
      sum += answer;
      latencies[number] = performance.now() - from;
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, units) }, callOneByOne));
  latencies.sort();
  const quantile = (share: number) => latencies[Math.min(units - 1, Math.floor(units * share))] as number;
  return { result: sum, measures: { 'p50 ms': quantile(0.5), 'p99 ms': quantile(0.99) } };
}
