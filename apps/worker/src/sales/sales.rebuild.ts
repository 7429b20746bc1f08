import { Injectable } from '@nestjs/common';
import { ordersCalls, rebuildSales } from '@tenfold/contracts';
import type { PayloadOf, RequestOf } from '@tenfold/contracts';
import { Database } from '@tenfold/database';
import { Handles } from '@tenfold/jobs';
import type { TrackedDelivery } from '@tenfold/jobs';
import { InjectCalls } from '@tenfold/rpc';
import type { CallClient } from '@tenfold/rpc';
import { SalesRepository } from './sales.repository.ts';

type Place = RequestOf<typeof ordersCalls.calls.streamOrders>['after'];

interface Checkpoint {
  generation: number;
  done: number;
  after?: Place;
}

/**
 * Builds the sums of sales anew beside the live ones, then swaps them. The history comes from the orders service, new
 * orders as events, and each order counts once, by whichever of the two brings it first. An event that was handled before
 * the beginning tells of an order that the history holds; every later one is added to both generations, if it is new to
 * them; after the swap, too, when it is one of those that the history had brought before.
 */
@Injectable()
export class SalesRebuild {
  constructor(
    private readonly database: Database,
    private readonly sales: SalesRepository,
    @InjectCalls(ordersCalls) private readonly orders: CallClient<typeof ordersCalls>,
  ) {}

  @Handles(rebuildSales, { tracked: true })
  async rebuild(_payload: PayloadOf<typeof rebuildSales>, { checkpoint, save, signal }: TrackedDelivery): Promise<{ orders: number }> {
    const begun = (checkpoint as Checkpoint | null) ?? { generation: await this.database.write((tx) => this.sales.begin(tx)), done: 0 };
    let { done, after } = begun;
    const { generation } = begun;
    await save({ done, total: done, checkpoint: begun });
    for await (const part of this.orders.streamOrders({ ...(after && { after }) })) {
      signal.throwIfAborted();
      await this.database.write(async (tx) => {
        const fresh = await this.sales.countOnce(tx, generation, part.items.map(({ id }) => id));
        await this.sales.add(tx, generation, part.items.filter(({ id }) => fresh.has(id)));
      });
      done += part.items.length;
      after = part.after;
      await save({ done, total: Math.max(done, part.total), checkpoint: { generation, done, after } satisfies Checkpoint });
    }
    await this.database.write((tx) => this.sales.swap(tx, generation));
    return { orders: done };
  }
}
