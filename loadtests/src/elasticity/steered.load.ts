import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { Exchange } from '../generator/exchange.ts';
import type { LoadSecond } from '../generator/load-result.ts';
import { Measurements } from '../generator/measurements.ts';
import type { Mix } from '../mix/mix.ts';

const TIMEOUT_MS = 10_000;

/**
 * An open loop whose rate can be changed while it runs: a Poisson process, each request at its time, whatever became of
 * earlier ones. Each comes by a connection of its own, since what stands before the pods shares out connections.
 */
export class SteeredLoad {
  readonly #pool: Pool;
  readonly #mix: Mix;
  readonly #ended = Promise.withResolvers<void>();
  #planning: Mix;
  #measurements = new Measurements();
  #rate: () => number = () => 0;
  #underWay = 0;
  #stopped = false;

  constructor(origin: string, mix: Mix) {
    // Without pipelining, undici keeps no connection.
    this.#pool = new Pool(origin, { pipelining: 0, headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS, allowH2: false });
    this.#mix = this.#planning = mix;
    void this.#run();
  }

  /**
   * Requests that start from now on are measured by themselves.
   *
   * @param rate requests per second, asked for before each one
   * @param mix plans them. Default the one that the load was made with
   */
  enter(rate: () => number, mix = this.#mix): Measurements {
    this.#rate = rate;
    this.#planning = mix;
    return (this.#measurements = new Measurements());
  }

  get rate(): number {
    return this.#rate();
  }

  /** Figures since the last call. */
  take(): Omit<LoadSecond, 'second' | 'dropped'> {
    return { ...this.#measurements.takeSecond(), underWay: this.#underWay };
  }

  /** Resolves when all that is under way has been answered, or given up. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#ended.promise;
    const patience = performance.now() + TIMEOUT_MS;
    while (this.#underWay > 0 && performance.now() < patience) await sleep(20);
    await this.#pool.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`));
  }

  async #run(): Promise<void> {
    let due = performance.now();
    while (!this.#stopped) {
      const rate = this.#rate();
      // Asked again soon where there is nothing to do.
      due = rate > 0 ? due + (-Math.log(1 - Math.random()) * 1000) / rate : performance.now() + 100;
      // Also when it is late already: answers must have their turn.
      await sleep(Math.max(0, due - performance.now()));
      if (rate > 0 && !this.#stopped) this.#start(due);
    }
    this.#ended.resolve();
  }

  #start(intended: number): void {
    const request = this.#planning.next(Date.now());
    this.#underWay++;
    const exchange = new Exchange(request, intended, this.#measurements, () => this.#underWay--);
    this.#pool.dispatch({ path: request.path, method: request.method, headers: request.headers, body: request.body ?? null }, exchange);
  }
}
