import { ConfigurableModuleBuilder, Inject, Module } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { DiscoveryModule, DiscoveryService, MetadataScanner, ModuleRef } from '@nestjs/core';
import { Database } from '@tenfold/database';
import { Health } from '@tenfold/service';
import type { Message } from '@tenfold/contracts';
import { JobsError } from '../jobs.error.ts';
import { declarationOf } from './handles.decorator.ts';
import { startInboxPurge } from './inbox.purge.ts';
import { ServiceConsumers } from './service.consumers.ts';
import type { Handler } from './service.consumers.ts';

export interface ConsumersOptions {
  /** The consumer group, the service's name: replicas share the messages, services do not. */
  group: string;
  /** `host:port` of Kafka brokers. */
  brokers: readonly string[];
  /** Name in the broker's logs, the replica's. */
  instance: string;
  /** The database with the inbox, and with the states of tracked jobs. Default: the one `Database` of the service; not asked for when no handler needs it. */
  database?: (moduleRef: ModuleRef) => Database;
  /** What this service handles. With it, the boot fails when one of them has no handler, or a handler is of none of them. */
  messages?: readonly Message[];
  /** Handlers that run at once in a replica. Default 8; those with an inbox take a connection each. */
  concurrency?: number;
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

  /** @throws JobsError `doubled-handler`, `missing-handler` or `undeclared-handler`, which end the boot */
  onApplicationBootstrap(): void {
    const { group, brokers, instance, messages, concurrency = 8, patienceMs = 10_000, inboxRetentionDays = 8 } = this.options;
    const { database: databaseOf = (moduleRef: ModuleRef) => moduleRef.get(Database, { strict: false }) } = this.options;
    const handlers = this.#findHandlers();
    if (messages) compare(messages, handlers);
    const database = handlers.some(({ inbox, tracked }) => inbox || tracked) ? databaseOf(this.moduleRef) : undefined;
    const consumers = new ServiceConsumers({ group, brokers, instance, handlers, database, concurrency, patienceMs });
    consumers.start();
    if (database) this.#stopPurge = startInboxPurge(database, inboxRetentionDays);
    this.health.register({ name: 'consumers', required: false, check: () => consumers.check() });
    this.#consumers = consumers;
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stopPurge?.();
    await this.#consumers?.stop();
  }

  #findHandlers(): Handler[] {
    return this.discovery.getProviders().flatMap(({ instance }) => {
      if (typeof instance !== 'object' || instance === null) return [];
      const methods = instance as Record<string, Handler['run']>;
      return this.scanner.getAllMethodNames(Object.getPrototypeOf(instance)).flatMap((name) => {
        const method = methods[name];
        const declaration = method && declarationOf(method);
        return declaration ? [{ ...declaration, run: method.bind(instance) }] : [];
      });
    });
  }
}

function compare(messages: readonly Message[], handlers: readonly Handler[]): void {
  const handled = new Set(handlers.map(({ message }) => message.topic));
  const declared = new Set(messages.map(({ topic }) => topic));
  const missing = [...declared].filter((topic) => !handled.has(topic));
  if (missing.length > 0) throw new JobsError('missing-handler', `no @Handles method for ${missing.join(', ')}`);
  const undeclared = [...handled].filter((topic) => !declared.has(topic));
  if (undeclared.length > 0) throw new JobsError('undeclared-handler', `${undeclared.join(', ')} is not among the service's messages`);
}
