import { scryptSync } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Piscina } from 'piscina';
import { defineBench } from '../../frame/bench.ts';
import type { Side } from '../../frame/bench.ts';
import { cost } from './hash.thread.ts';

export default defineBench({
  title: 'Hashing a password while others are served: in a thread, and where requests are served',
  unit: 'hash',
  reference: 'without',
  roundMs: 1000,
  goals: [{ measure: 'longest stall, ms', of: 'with', to: 'without', atMost: 0.3 }],
  setUp({ onEnd }) {
    const threads = new Piscina<string, string>({ filename: new URL('./hash.thread.js', import.meta.url).href, minThreads: 1, maxThreads: 1 });
    onEnd(() => threads.close());
    const side = (hash: (password: string) => string | Promise<string>): Side => ({
      async run(units) {
        const stalls = watchStalls();
        const hashes: string[] = [];
        for (let unit = 0; unit < units; unit += 1) {
          hashes.push(await hash(`password ${unit}`));
          await sleep(2);
        }
        return { result: hashes, measures: { 'longest stall, ms': stalls() } };
      },
    });
    return {
      with: side((password) => threads.run(password)),
      without: side((password) => scryptSync(password, 'salt', 32, cost).toString('hex')),
    };
  },
});

/** For how long at most nobody else got a turn of the event loop. */
function watchStalls(): () => number {
  let longest = 0;
  let last = performance.now();
  const look = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const timer = setInterval(look, 1);
  return () => {
    look();
    clearInterval(timer);
    return longest;
  };
}
