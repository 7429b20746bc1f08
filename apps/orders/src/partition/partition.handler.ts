import { Controller } from '@nestjs/common';
import { ordersCalls } from '@tenfold/contracts';
import type { ResponseOf, ValidRequestOf } from '@tenfold/contracts';
import { Answers } from '@tenfold/rpc';
import { PartitionRepository } from './partition.repository.ts';

const { ensurePartitions } = ordersCalls.calls;

@Controller()
export class PartitionHandler {
  constructor(private readonly partitions: PartitionRepository) {}

  @Answers(ensurePartitions)
  async ensurePartitions({
    monthsAhead,
  }: ValidRequestOf<typeof ensurePartitions>): Promise<ResponseOf<typeof ensurePartitions>> {
    return { created: await this.partitions.ensure(monthsAhead) };
  }
}
