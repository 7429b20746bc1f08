import { Logger } from '@nestjs/common';
import type { Admin } from 'kafkajs';
import { consumerLag } from '../jobs.metrics.ts';
import { createKafka } from './kafkajs.client.ts';

/** A consumer group and what it consumes. */
export interface ConsumerGroup {
  groupId: string;
  topics: readonly string[];
}

export interface ConsumerLagOptions {
  brokers: readonly string[];
  instance: string;
  groups: readonly ConsumerGroup[];
  /** Milliseconds between two looks. Default 10,000. */
  intervalMs?: number;
}

/**
 * Asks the broker how far each group is behind, for all its partitions. Every member says the same, and says so while
 * none of them gets a message handled, which a member that counts its own batches cannot.
 */
export class ConsumerLag {
  readonly #options: ConsumerLagOptions;
  readonly #logger = new Logger(ConsumerLag.name);
  readonly #admin: Admin;
  #timer: NodeJS.Timeout | undefined;
  #sample: Promise<void> | undefined;
  #connected = false;
  #stopped = false;

  constructor(options: ConsumerLagOptions) {
    this.#options = options;
    const { brokers, instance } = options;
    this.#admin = createKafka({ brokers, instance, retry: { retries: 1, initialRetryTime: 100 }, isClosed: () => this.#stopped }).admin();
  }

  start(): void {
    const look = () => {
      this.#sample ??= this.#look().finally(() => {
        this.#sample = undefined;
      });
    };
    this.#timer = setInterval(look, this.#options.intervalMs ?? 10_000).unref();
    look();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    // Cuts short what is under way; a connection that was just being made is closed after it.
    await this.#admin.disconnect().catch(() => {});
    await this.#sample;
    await this.#admin.disconnect().catch(() => {});
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    try {
      if (!this.#connected) await this.#admin.connect();
      this.#connected = true;
      for (const group of this.#options.groups) await this.#measure(group);
    } catch (error) {
      this.#connected = false;
      if (!this.#stopped) this.#logger.debug({ msg: 'the lag cannot be asked for', err: error });
    }
  }

  async #measure({ groupId, topics }: ConsumerGroup): Promise<void> {
    const committed = await this.#admin.fetchOffsets({ groupId, topics: [...topics] });
    for (const { topic, partitions } of committed) {
      const offsets = new Map(partitions.map(({ partition, offset }) => [partition, Number(offset)]));
      let lag = 0;
      for (const { partition, low, high } of await this.#admin.fetchTopicOffsets(topic)) {
        // -1 for a partition of which the group has committed nothing yet; what was deleted by age will not come.
        lag += Number(high) - Math.max(offsets.get(partition) ?? -1, Number(low));
      }
      consumerLag.set({ group: groupId, topic }, lag);
    }
  }
}
