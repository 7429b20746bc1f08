import { setTimeout as delay } from 'node:timers/promises';
import { Logger, Module } from '@nestjs/common';
import type { DynamicModule, INestApplicationContext, LoggerService, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { CustomTransportStrategy } from '@nestjs/microservices';
import { startProcessMetrics, watchBusyLoop } from '@tenfold/telemetry';
import type { ConfigOf } from './config.loader.ts';
import { FaultModule, FaultSwitch } from './fault.switch.ts';
import { HealthModule } from './health.module.ts';
import { Health } from './health.registry.ts';
import { closeListener } from './http.adapter.ts';
import { createHttpApp } from './http.app.ts';
import type { HttpOptions } from './http.app.ts';
import { startOperations } from './operations.app.ts';
import { exitOnUncaughtErrors, stopOnSignals } from './process.signals.ts';
import { createServiceLogger } from './service.logger.ts';
import type { serviceSettings } from './service.settings.ts';
import { startServiceTracing } from './service.tracing.ts';

/** The settings that `runService` itself uses. */
export type ServiceConfig = ConfigOf<typeof serviceSettings>;

export interface ServiceOptions {
  /** Name of the app, e.g. `catalog`. */
  name: string;
  config: ServiceConfig;
  module: Type<unknown> | DynamicModule;
  /** Modules whose controllers answer on the operations port, beside probes and metrics. */
  operations?: readonly DynamicModule[];
  /** How the service is reached, if not by HTTP: `callServer(…)`. */
  transport?: CustomTransportStrategy;
  /** Makes it an HTTP service. At most one of `transport` and `http`; with neither, it only works by itself. */
  http?: HttpOptions;
}

@Module({})
class ServiceModule {}

/** A service's application, and how it stops taking new work. */
interface RunningApp {
  app: INestApplicationContext;
  /** Starts what `listen` starts: hooks, then the port. */
  listen(): Promise<unknown>;
  /** Resolves when the port is closed and what was in flight has ended. */
  stopListening(): Promise<unknown>;
}

/**
 * Runs a service until it is told to stop: logs, operations port, the application, and its orderly end. Resolves when
 * the service is running. The operations port answers before the application's modules are made, so probes see a slow
 * start. A boot that fails is logged and ends the process with 1.
 */
export async function runService(options: ServiceOptions): Promise<void> {
  const { name, config, module } = options;
  const logger = createServiceLogger(name, config.REPLICA, config.LOG_LEVEL);
  Logger.overrideLogger(logger);
  exitOnUncaughtErrors();
  startProcessMetrics();
  const health = new Health();
  let running: RunningApp | undefined;

  try {
    const faults = faultSwitchOf(config);
    const stopTracing = await startServiceTracing(name, config);
    const operations = await startOperations({
      info: { name, version: config.VERSION, replica: config.REPLICA },
      health,
      logger,
      host: config.HOST,
      port: config.OPERATIONS_PORT,
      profileToken: config.PROFILE_TOKEN,
      faults,
      diagnosticsToken: config.DIAGNOSTICS_TOKEN,
      modules: options.operations ?? [],
    });
    watchOwnLoop(config, health);
    stopOnSignals(async () => {
      const started = health.phase === 'running';
      health.markDraining();
      if (!started || !running) return;
      await delay(config.DRAIN_DELAY_MS);
      health.markStopping();
      await running.stopListening();
      await running.app.close();
      await stopTracing();
      await closeListener(operations.getHttpAdapter().getInstance());
      await operations.close();
    }, config.SHUTDOWN_GRACE_MS);

    const root = { module: ServiceModule, imports: [HealthModule.register(health), ...(faults ? [FaultModule.register(faults)] : []), module] };
    running = await createApp(root, options, { health, logger, faults });
    await running.listen();
    health.markRunning();
    new Logger('Service').log(`${name} ${config.VERSION} is running`);
  } catch (error) {
    new Logger('Service').fatal(error);
    process.exit(1);
  }
}

/** Leaves a profile behind when the event loop stays busy; until the service stops. */
function watchOwnLoop({ REPLICA, PROFILE_DIRECTORY, PROFILE_BUSY_SHARE }: ServiceConfig, health: Health): void {
  if (PROFILE_DIRECTORY === undefined) return;
  const logger = new Logger('Profile');
  const stop = watchBusyLoop({
    directory: PROFILE_DIRECTORY,
    replica: REPLICA,
    limit: PROFILE_BUSY_SHARE,
    onTaken: (file, { load }) => logger.warn({ msg: 'the event loop is busy; took a profile', file, ...load }),
    onError: (error) => logger.warn({ msg: 'the event loop is busy; no profile could be taken', err: error }),
  });
  health.stopping.addEventListener('abort', stop, { once: true });
}

/** @throws Error in production, where nobody rehearses */
function faultSwitchOf({ FAULT_SWITCH, NODE_ENV }: ServiceConfig): FaultSwitch | undefined {
  if (FAULT_SWITCH && NODE_ENV === 'production') throw new Error('FAULT_SWITCH is for rehearsals: it is refused with NODE_ENV=production');
  return FAULT_SWITCH ? new FaultSwitch() : undefined;
}

interface Surroundings {
  health: Health;
  logger: LoggerService;
  faults: FaultSwitch | undefined;
}

async function createApp(
  root: DynamicModule,
  { config, http, transport }: ServiceOptions,
  { health, logger, faults }: Surroundings,
): Promise<RunningApp> {
  const settings = { logger, abortOnError: false } as const;
  if (http && transport) throw new Error('A service has either `http` or `transport`, not both');

  if (http) {
    const logAll = config.LOG_LEVEL === 'debug' || config.LOG_LEVEL === 'trace';
    const app = await createHttpApp(root, http, { health, logger, logAll, faults });
    const fastify = app.getHttpAdapter().getInstance();
    // Nest runs the shutdown hooks of providers before it closes the port: closed here first, they outlive all requests.
    return { app, listen: () => app.listen(http.port, config.HOST), stopListening: () => closeListener(fastify) };
  }

  if (transport) {
    const app = await NestFactory.createMicroservice(root, { ...settings, strategy: transport });
    return { app, listen: () => app.listen(), stopListening: () => Promise.resolve(transport.close()) };
  }

  const app = await NestFactory.createApplicationContext(root, settings);
  return { app, listen: () => Promise.resolve(), stopListening: () => Promise.resolve() };
}
