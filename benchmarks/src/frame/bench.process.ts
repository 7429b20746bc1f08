import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ClusterUrls } from '@tenfold/local-cluster';
import type { Bench, ServiceCalls } from './bench.ts';
import type { BenchMessage } from './bench.runner.ts';
import { onCore } from './cores.ts';
import { measureSides } from './measure.ts';
import { ownCpu, startPeerProcess } from './peer.ts';

/** Entry of the process that a bench runs in: one bench, then the end. */
const [, , bundle = '', urls = '{}', calls = '{}'] = process.argv;
const tell = (message: BenchMessage) => process.send?.(message);
const closers: (() => unknown)[] = [];
const leave = () => process.exit(1);
process.once('disconnect', leave);

const { default: bench } = (await import(pathToFileURL(bundle).href)) as { default: Bench };
try {
  const sides = await bench.setUp({
    urls: JSON.parse(urls) as ClusterUrls,
    calls: JSON.parse(calls) as ServiceCalls,
    ownCpu,
    async startPeer<Information>(name: string, options?: unknown) {
      const peer = await startPeerProcess<Information>(join(dirname(bundle), `${name}.peer.js`), options, onCore(1));
      closers.push(() => peer.end());
      return peer;
    },
    onEnd: (close) => void closers.push(close),
  });
  const measured = await measureSides(bench, sides, (round, of) => tell({ kind: 'round', round, of }));
  const { title, unit, reference, goals = [] } = bench;
  tell({ kind: 'result', result: { title, unit, reference, goals: [...goals], ...measured } });
} finally {
  for (const close of closers.toReversed()) await close();
  process.off('disconnect', leave);
  process.disconnect();
}
