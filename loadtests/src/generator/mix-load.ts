import { Worker } from 'node:worker_threads';
import type { LoadResult, LoadSecond } from './load-result.ts';
import type { Credentials } from './log-in.ts';

export interface MixLoadOptions {
  /** The shop, e.g. `http://127.0.0.1:20080`. */
  origin: string;
  /** Who is logged in before the first run; every cart, checkout and report is one of theirs. */
  customers: readonly Credentials[];
  /** Size of the seeded data. */
  scale: number;
  /** Different for each start, part of every Idempotency-Key. */
  run: string;
  /** Start of the pseudo-random numbers. */
  seed: number;
}

/** What the generator's thread says. */
export type MixThreadMessage =
  | { kind: 'ready' }
  | { kind: 'second'; second: LoadSecond }
  | { kind: 'result'; result: LoadResult };

/** A generator that is logged in and waits to run the mix. */
export interface MixLoad {
  /** Runs the mix once; one run at a time. Throws what broke the generator itself. */
  run(options: { rate: number; seconds: number; onSecond?: (second: LoadSecond) => void }): Promise<LoadResult>;
  close(): Promise<void>;
}

/**
 * Starts the generator in a thread of its own, so that neither the cluster's supervision nor the report disturbs its
 * timing, and logs its customers in. Throws when somebody cannot log in.
 */
export async function openMixLoad(options: MixLoadOptions): Promise<MixLoad> {
  const thread = new Worker(new URL('mix.thread.ts', import.meta.url), { workerData: options });
  const failed = new Promise<never>((_, reject) => {
    thread.once('error', reject);
    thread.once('exit', () => reject(new Error('The load generator ended.')));
  });
  // Someone waits for it only while the thread has something to do.
  failed.catch(() => {});
  const until = <Kind extends MixThreadMessage['kind']>(kind: Kind, onSecond?: (second: LoadSecond) => void) => {
    const { promise, resolve } = Promise.withResolvers<Extract<MixThreadMessage, { kind: Kind }>>();
    const listen = (message: MixThreadMessage) => {
      if (message.kind === kind) resolve(message as Extract<MixThreadMessage, { kind: Kind }>);
      else if (message.kind === 'second') onSecond?.(message.second);
    };
    thread.on('message', listen);
    return Promise.race([promise, failed]).finally(() => thread.off('message', listen));
  };
  await until('ready');
  return {
    async run({ rate, seconds, onSecond }) {
      const result = until('result', onSecond);
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      thread.postMessage({ rate, seconds });
      return (await result).result;
    },
    async close() {
      await thread.terminate();
    },
  };
}
