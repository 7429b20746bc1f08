import { parentPort, workerData } from 'node:worker_threads';
import { countRounds } from './speed.round.ts';

const { warmUpMs, measuredMs } = workerData as { warmUpMs: number; measuredMs: number };

countRounds(warmUpMs);
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
parentPort?.postMessage(countRounds(measuredMs));
