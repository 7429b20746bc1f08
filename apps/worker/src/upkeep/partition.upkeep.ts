import { Injectable, Logger } from '@nestjs/common';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { ordersCalls } from '@tenfold/contracts';
import { InjectCalls } from '@tenfold/rpc';
import type { CallClient } from '@tenfold/rpc';

const day = 24 * 60 * 60 * 1000;
const retryMs = 60_000;

/** Has the partitions of the coming months made, at start and daily. Every replica asks; a second time changes nothing. */
@Injectable()
export class PartitionUpkeep implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #logger = new Logger(PartitionUpkeep.name);
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(@InjectCalls(ordersCalls) private readonly orders: CallClient<typeof ordersCalls>) {}

  onApplicationBootstrap(): void {
    // Replicas start together; they need not ask together.
    this.#askIn(5_000 + Math.random() * 10_000);
  }

  onApplicationShutdown(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** Asks now, and again in a day, or in a minute if that fails. */
  async ensure(): Promise<void> {
    try {
      const { created } = await this.orders.ensurePartitions({ monthsAhead: 3 });
      if (created.length > 0) this.#logger.log(`partitions made: ${created.join(', ')}`);
      this.#askIn(day);
    } catch (error) {
      this.#logger.warn({ msg: 'partitions could not be made ahead', retryMs, err: error });
      this.#askIn(retryMs);
    }
  }

  #askIn(milliseconds: number): void {
    clearTimeout(this.#timer);
    if (!this.#stopped) this.#timer = setTimeout(() => void this.ensure(), milliseconds).unref();
  }
}
