import { ConfigurableModuleBuilder, Inject, Module } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { Database } from '@tenfold/database';
import { Health } from '@tenfold/service';
import { KafkaSender } from '../kafka/kafkajs.sender.ts';
import { OutboxRelay } from './outbox.relay.ts';

export interface OutboxOptions {
  /** `host:port` of Kafka brokers. */
  brokers: readonly string[];
  /** The databases whose outbox is relayed, e.g. every shard. Default: the one `Database` of the service. */
  databases?: (moduleRef: ModuleRef) => readonly Database[];
  /** Name in the broker's logs. Default `outbox`. */
  instance?: string;
}

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<OutboxOptions>().build();

// A batch takes milliseconds; one that takes longer waits for a Kafka that is away.
const patienceMs = 1000;

/**
 * Relays the outbox of this service to Kafka. Boot and requests do not depend on Kafka: while it is away the messages
 * stay in the outbox.
 */
@Module({})
export class OutboxModule extends ConfigurableModuleClass implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #sender: KafkaSender;
  #relays: OutboxRelay[] = [];

  constructor(
    @Inject(MODULE_OPTIONS_TOKEN) private readonly options: OutboxOptions,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(Health) private readonly health: Health,
  ) {
    super();
    this.#sender = new KafkaSender(options.brokers, options.instance ?? 'outbox');
  }

  onApplicationBootstrap(): void {
    const { databases = (moduleRef) => [moduleRef.get(Database, { strict: false })] } = this.options;
    this.#relays = databases(this.moduleRef).map((database) => new OutboxRelay(database, this.#sender));
    for (const relay of this.#relays) relay.start();
    this.health.register({
      name: 'outbox',
      required: false,
      check: () => this.#relays.forEach((relay) => relay.check()),
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    const cutShort = setTimeout(() => void this.#sender.close(), patienceMs);
    await Promise.all(this.#relays.map((relay) => relay.stop()));
    clearTimeout(cutShort);
    await this.#sender.close();
  }
}
