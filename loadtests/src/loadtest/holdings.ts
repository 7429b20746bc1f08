import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterUrls } from '@tenfold/local-cluster';
import { request } from 'undici';
import type { RunResult } from '../results/run-result.ts';
import { slopeOf } from '../results/statistics.ts';
import { LoadtestError } from './loadtest.error.ts';

const MEBIBYTE = 1024 ** 2;

/** What one replica held at one moment; the route `/diagnostics/holdings` of `libs/service`. */
interface Holdings {
  heapBytes: number;
  externalBytes: number;
  codeBytes: number;
  descriptors?: number;
  connections: number;
  timers: number;
}

interface Reading extends Holdings {
  /** Minutes since the first one. */
  minute: number;
}

/** Reads again and again what each replica holds, until it is told to stop. */
export class HoldingsWatch {
  readonly #readings = new Map<string, Reading[]>();
  readonly #operations: Readonly<Record<string, string>>;
  readonly #token: string;

  constructor({ operations }: Pick<ClusterUrls, 'operations'>, token: string) {
    this.#operations = operations;
    this.#token = token;
  }

  /** @throws LoadtestError `no-holdings` when a replica does not tell */
  async watch(everySeconds: number, signal: AbortSignal): Promise<void> {
    const began = performance.now();
    while (!signal.aborted) {
      for (const [replica, url] of Object.entries(this.#operations)) {
        const holdings = await readHoldings(url, this.#token);
        const readings = this.#readings.get(replica) ?? [];
        this.#readings.set(replica, readings);
        readings.push({ ...holdings, minute: (performance.now() - began) / 60_000 });
      }
      await sleep(everySeconds * 1000, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Everything that was read, by replica: to see whether what grows goes on growing. */
  readings(): Record<string, readonly Reading[]> {
    return Object.fromEntries(this.#readings);
  }

  /** Slope of the heap, and what else was held at the first and at the last reading, for each replica. */
  summary(): NonNullable<RunResult['soak']> {
    return [...this.#readings].map(([replica, readings]) => ({
      replica,
      heap: finite(slopeOf(readings.map(({ minute, heapBytes }) => ({ x: minute, y: heapBytes / MEBIBYTE })))),
      first: countsOf(readings[0]),
      last: countsOf(readings.at(-1)),
    }));
  }
}

async function readHoldings(url: string, token: string): Promise<Holdings> {
  const { statusCode, body } = await request(`${url}/diagnostics/holdings`, { method: 'POST', headers: { authorization: `Bearer ${token}` } });
  const text = await body.text();
  if (statusCode !== 200) {
    throw new LoadtestError('no-holdings', `${url} does not tell what it holds (${statusCode}). Start the cluster and the soak with the same DIAGNOSTICS_TOKEN of 32 characters or more.`);
  }
  return JSON.parse(text) as Holdings;
}

function countsOf(reading: Reading | undefined): Record<string, number> {
  if (!reading) return {};
  const { heapBytes, externalBytes, codeBytes, descriptors, connections, timers } = reading;
  return { 'heap MiB': heapBytes / MEBIBYTE, 'external MiB': externalBytes / MEBIBYTE, 'code MiB': codeBytes / MEBIBYTE, ...(descriptors !== undefined && { descriptors }), connections, timers };
}

/** JSON knows no infinity: an interval without an end ends where no heap ever will. */
function finite({ slope, low, high }: ReturnType<typeof slopeOf>) {
  const limit = 1e6;
  return { slope, low: Math.max(-limit, low), high: Math.min(limit, high) };
}
