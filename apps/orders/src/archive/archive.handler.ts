import { Controller } from '@nestjs/common';
import { ordersCalls } from '@tenfold/contracts';
import type { ResponseOf } from '@tenfold/contracts';
import { Answers } from '@tenfold/rpc';
import { OrderArchive } from './order.archive.ts';

const { archiveOrders } = ordersCalls.calls;

@Controller()
export class ArchiveHandler {
  constructor(private readonly archive: OrderArchive) {}

  @Answers(archiveOrders)
  async *archiveOrders(): AsyncGenerator<ResponseOf<typeof archiveOrders>> {
    for await (const { shard, month, rows } of this.archive.archiveOld(new Date())) yield { shard, month, rows };
  }
}
