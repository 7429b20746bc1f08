import { Injectable, Logger } from '@nestjs/common';
import { archiveOrders, ensureOrderPartitions, ordersCalls } from '@tenfold/contracts';
import { Handles } from '@tenfold/jobs';
import { InjectCalls } from '@tenfold/rpc';
import type { CallClient } from '@tenfold/rpc';

/** Has the orders service look after its tables. Asked a second time it changes nothing, so no mark is kept. */
@Injectable()
export class OrdersUpkeep {
  readonly #logger = new Logger(OrdersUpkeep.name);

  constructor(@InjectCalls(ordersCalls) private readonly orders: CallClient<typeof ordersCalls>) {}

  @Handles(ensureOrderPartitions, { inbox: false })
  async ensurePartitions(): Promise<void> {
    const { created } = await this.orders.ensurePartitions({ monthsAhead: 3 });
    if (created.length > 0) this.#logger.log(`partitions made: ${created.join(', ')}`);
  }

  @Handles(archiveOrders, { inbox: false })
  async archiveOrders(): Promise<void> {
    for await (const archived of this.orders.archiveOrders({})) this.#logger.log({ msg: 'orders archived', ...archived });
  }
}
