import { ConfigurableModuleBuilder, Inject, Module } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { DiscoveryModule, DiscoveryService, MetadataScanner, ModuleRef } from '@nestjs/core';
import { Database } from '@tenfold/database';
import { Health } from '@tenfold/service';
import type { Delivery } from './delivery.ts';
import { declarationOf } from './handles.decorator.ts';
import { startInboxPurge } from './inbox.purge.ts';
import type { HandlerMethod } from './message.handler.ts';
import { ServiceConsumers } from './service.consumers.ts';

export interface ConsumersOptions {
  /** Prefix of the consumer groups, the service's name: replicas share the messages, services do not. */
  group: string;
  /** `host:port` of Kafka brokers. */
  brokers: readonly string[];
  /** Name in the broker's logs, the replica's. */
  instance: string;
  /** The database with the inbox. Default: the one `Database` of the service; not asked for without inbox handlers. */
  database?: (moduleRef: ModuleRef) => Database;
  /** Milliseconds that a shutdown waits for handlers before it aborts their signals. Default 10,000. */
  patienceMs?: number;
  /** Days after which a mark is forgotten. Default 8; must exceed the retention of the topics, by default 7. */
  inboxRetentionDays?: number;
}

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<ConsumersOptions>().build();

/** Runs every `@Handles` method of the service's providers. Boot does not wait for Kafka. */
@Module({ imports: [DiscoveryModule] })
export class ConsumersModule extends ConfigurableModuleClass implements OnApplicationBootstrap, BeforeApplicationShutdown {
  #consumers: ServiceConsumers | undefined;
  #stopPurge: (() => void) | undefined;

  constructor(
    @Inject(MODULE_OPTIONS_TOKEN) private readonly options: ConsumersOptions,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
    @Inject(MetadataScanner) private readonly scanner: MetadataScanner,
    @Inject(Health) private readonly health: Health,
  ) {
    super();
  }

  /** @throws JobsError `doubled-handler`, which ends the boot */
  onApplicationBootstrap(): void {
    const { group, brokers, instance, patienceMs = 10_000, inboxRetentionDays = 8 } = this.options;
    const { database: databaseOf = (moduleRef: ModuleRef) => moduleRef.get(Database, { strict: false }) } = this.options;
    const handlers = this.#findHandlers();
    const database = handlers.some(({ inbox }) => inbox) ? databaseOf(this.moduleRef) : undefined;
    const consumers = new ServiceConsumers({ group, brokers, instance, handlers, database, patienceMs });
    consumers.start();
    if (database) this.#stopPurge = startInboxPurge(database, inboxRetentionDays);
    this.health.register({ name: 'consumers', required: false, check: () => consumers.check() });
    this.#consumers = consumers;
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stopPurge?.();
    await this.#consumers?.stop();
  }

  #findHandlers(): HandlerMethod[] {
    return this.discovery.getProviders().flatMap(({ instance }) => {
      if (typeof instance !== 'object' || instance === null) return [];
      const methods = instance as Record<string, (payload: unknown, delivery: Delivery) => Promise<void>>;
      return this.scanner.getAllMethodNames(Object.getPrototypeOf(instance)).flatMap((name) => {
        const method = methods[name];
        const declaration = method && declarationOf(method);
        return declaration ? [{ ...declaration, run: method.bind(instance) }] : [];
      });
    });
  }
}
