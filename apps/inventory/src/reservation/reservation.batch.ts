import { Injectable } from '@nestjs/common';
import { createContext, currentContext, raisePosition, runInContext } from '@tenfold/telemetry';
import type { RequestContext } from '@tenfold/telemetry';
import type { OrderItems } from './reservation.decision.ts';
import { StockDisplay } from '../stock/stock.display.ts';
import { ReservationRepository } from './reservation.repository.ts';
import type { ReserveResult } from './reservation.repository.ts';

interface Waiting {
  order: OrderItems;
  context: RequestContext | undefined;
  settle: (done: Done) => void;
  fail: (error: unknown) => void;
  isGone: () => boolean;
}

interface Done {
  result: ReserveResult;
  positions: ReadonlyMap<string, string>;
}

const largestBatch = 200;

/**
 * Reserves for many orders in one transaction: those that come while one is under way are the next one. So a product in
 * demand is locked, and the disk waited for, once for all of them, and an order that comes alone waits for nothing.
 */
@Injectable()
export class ReservationBatch {
  #waiting: Waiting[] = [];
  #running = false;

  constructor(
    private readonly reservations: ReservationRepository,
    private readonly display: StockDisplay,
  ) {}

  async reserve(order: OrderItems): Promise<ReserveResult> {
    const context = currentContext();
    const signal = context?.signal;
    const done = await new Promise<Done>((settle, fail) => {
      this.#waiting.push({ order, context, settle, fail, isGone: () => signal?.aborted ?? false });
      if (!this.#running) void this.#run();
    });
    const positions = context?.positions;
    if (positions) for (const [database, lsn] of done.positions) raisePosition(positions, database, lsn);
    return done.result;
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) await this.#reserve(this.#take());
    this.#running = false;
  }

  /** Each order once: a second delivery of one waits for the next batch, which finds it reserved. */
  #take(): Waiting[] {
    const batch = new Map<string, Waiting>();
    const later: Waiting[] = [];
    for (const waiting of this.#waiting) {
      const { orderId } = waiting.order;
      if (waiting.isGone() || Date.now() >= deadlineOf(waiting)) waiting.fail(new Error('the caller has given up'));
      else if (batch.size < largestBatch && !batch.has(orderId)) batch.set(orderId, waiting);
      else later.push(waiting);
    }
    this.#waiting = later;
    return [...batch.values()];
  }

  async #reserve(batch: readonly Waiting[]): Promise<void> {
    if (batch.length === 0) return;
    // An order that comes alone is answered within its own request, and so its trace. The position of a batch's write
    // goes to every caller, and to none through the context of whoever came first; it ends when nobody waits any more.
    const context = (batch.length === 1 ? batch[0]?.context : undefined) ?? createContext({ deadline: Math.max(...batch.map(deadlineOf)) });
    try {
      const { results, levels } = await runInContext(context, () => this.reservations.reserve(batch.map(({ order }) => order)));
      this.display.show(levels);
      batch.forEach(({ settle, fail }, index) => {
        const result = results[index];
        if (result) settle({ result, positions: context.positions });
        else fail(new Error('an order of the batch has no result'));
      });
    } catch (error) {
      for (const { fail } of batch) fail(error);
    }
  }
}

function deadlineOf({ context }: Waiting): number {
  return context?.deadline ?? Infinity;
}
