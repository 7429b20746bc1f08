import { parentPort, workerData } from 'node:worker_threads';
import { Mix } from '../mix/mix.ts';
import { logIn } from './log-in.ts';
import type { MixLoadOptions, MixThreadMessage } from './mix-load.ts';
import { runOpenLoop } from './open-loop.ts';

/** Entry of the generator's own thread: logs in, then runs the mix each time it is asked to. */
const { origin, customers, scale, run, seed } = workerData as MixLoadOptions;
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
const tell = (message: MixThreadMessage) => parentPort?.postMessage(message);

const cookies = await logIn(origin, customers);
const mix = new Mix({ scale, cookies, run, seed });
parentPort?.on('message', async ({ rate, seconds }: { rate: number; seconds: number }) => {
  const result = await runOpenLoop({
    origin,
    rate,
    seconds,
    next: () => mix.next(Date.now()),
    onSecond: (second) => tell({ kind: 'second', second }),
  });
  tell({ kind: 'result', result });
});
tell({ kind: 'ready' });
