import { Pool } from 'undici';
import { randomFrom } from '../random.ts';
import type { PlannedRequest } from '../mix/planned-request.ts';
import { arrivalTimes } from './arrivals.ts';
import { Exchange } from './exchange.ts';
import type { LoadResult, LoadSecond } from './load-result.ts';
import { Measurements } from './measurements.ts';

const ARRIVAL_SEED = 0x61_72_72_76;

export interface OpenLoopOptions {
  /** Where to, e.g. `http://127.0.0.1:20080`. */
  origin: string;
  /** Requests per second. */
  rate: number;
  /** How long new requests are started. */
  seconds: number;
  /** The next request to send. */
  next(): PlannedRequest;
  /** Default `poisson`. */
  arrivals?: 'poisson' | 'constant';
  /** Keep-alive connections; requests beyond them wait, and their wait counts. Default 128. */
  connections?: number;
  /** Requests under way beyond which further ones are dropped and counted. Default 2,000. */
  maxUnderWay?: number;
  /** After which a request without an answer is an error. Default 10,000. */
  timeoutMs?: number;
  /** Called once a second. */
  onSecond?(second: LoadSecond): void;
}

/**
 * Sends requests at their intended times, whether earlier ones were answered or not, and counts each latency from the
 * intended time. A closed loop waits with a slow server and so leaves out just the requests that would have been slow:
 * coordinated omission (Tene, "How NOT to Measure Latency", 2013; https://github.com/giltene/wrk2).
 *
 * Ends when all are answered, at the latest `timeoutMs` after the last was started.
 */
export async function runOpenLoop(options: OpenLoopOptions): Promise<LoadResult> {
  const { origin, rate, seconds, next, arrivals = 'poisson', connections = 128, maxUnderWay = 2000, timeoutMs = 10_000 } = options;
  const measurements = new Measurements();
  const pool = new Pool(origin, { connections, pipelining: 1, headersTimeout: timeoutMs, bodyTimeout: timeoutMs, allowH2: false });
  const times = arrivalTimes(rate, seconds, arrivals, randomFrom(ARRIVAL_SEED));
  const cpuBefore = process.threadCpuUsage();
  const began = performance.now();
  let started = 0;
  let underWay = 0;
  let dropped = 0;
  let latestStart = 0;

  const start = (intended: number) => {
    latestStart = Math.max(latestStart, performance.now() - intended);
    if (underWay >= maxUnderWay) {
      dropped++;
      return;
    }
    underWay++;
    const request = next();
    const exchange = new Exchange(request, intended, measurements, () => underWay--);
    pool.dispatch({ path: request.path, method: request.method, headers: request.headers, body: request.body ?? null }, exchange);
  };

  const ticker = watchSeconds(options.onSecond, (second) => ({ second, underWay, dropped, ...measurements.takeSecond() }));
  try {
    await new Promise<void>((resolve) => {
      const startDue = () => {
        const now = performance.now() - began;
        for (; started < times.length; started++) {
          const due = times[started] ?? 0;
          if (due > now) break;
          start(began + due);
        }
        if (started < times.length) setTimeout(startDue, (times[started] ?? 0) - now);
        else resolve();
      };
      startDue();
    });
    const patience = performance.now() + timeoutMs;
    const allAnswered = () => underWay === 0;
    while (!allAnswered() && performance.now() < patience) await new Promise((resolve) => setTimeout(resolve, 5));
  } finally {
    clearInterval(ticker);
    // Whatever is still under way fails now, and is counted as failed.
    await pool.destroy(new Error(`no answer within ${timeoutMs} ms`));
  }
  const cpu = process.threadCpuUsage(cpuBefore);
  const elapsed = performance.now() - began;
  return {
    seconds,
    rate: measurements.answered / seconds,
    overall: measurements.overall(),
    endpoints: measurements.endpoints(),
    dropped,
    errors: measurements.examples(),
    generatorCpu: (cpu.user + cpu.system) / 1000 / elapsed,
    latestStart,
  };
}

function watchSeconds(onSecond: OpenLoopOptions['onSecond'], take: (second: number) => LoadSecond): NodeJS.Timeout {
  let second = 0;
  return setInterval(() => onSecond?.(take(++second)), 1000);
}
