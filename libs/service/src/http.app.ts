import type { DynamicModule, LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { addFaultHooks } from './fault.hooks.ts';
import type { FaultSwitch } from './fault.switch.ts';
import type { Health } from './health.registry.ts';
import { createHttpAdapter } from './http.adapter.ts';
import type { HttpTimeouts } from './http.adapter.ts';
import { addRequestHooks } from './http.hooks.ts';
import type { Priority } from './load/admission.ts';

export interface HttpOptions {
  port: number;
  /** Bytes of the largest request body; a bigger one is answered by 413. Default 65,536. */
  bodyLimit?: number;
  /**
   * Which proxies may name the client's address: Fastify's `trustProxy`. Default false. Never `true` for a service that
   * the world reaches directly: anyone could then forge the address that limits count by.
   */
  trustProxy?: boolean | string | string[];
  /**
   * Milliseconds a request may take; what it calls inherits the rest. Default 10,000. A response that lives longer,
   * such as a stream of events, runs each of its steps in a context of its own.
   */
  deadlineMs?: number;
  /** How long clients may take to send. */
  timeouts?: HttpTimeouts;
  /**
   * Who is refused first, with 503, when there is too much to do. `exempt` is what takes long by its nature, such as a
   * stream of events: it takes nobody's place. Default `normal` for all.
   *
   * @param route its template, e.g. `/v1/products/:id`
   */
  priorityOf?: (method: string, route: string) => Priority | 'exempt';
  /** Adds filters, cookies, OpenAPI, before anything is initialized. */
  configure?: (app: NestFastifyApplication) => void | Promise<void>;
}

interface AppSurroundings {
  health: Health;
  logger: LoggerService | false;
  /** Whether every request is logged, not only those that failed or were slow. */
  logAll: boolean;
  /** Switches faults; none can be without it. */
  faults?: FaultSwitch | undefined;
}

/** The HTTP application of a service, configured but not listening yet; tests make theirs by it, too. */
export async function createHttpApp(
  root: DynamicModule,
  { bodyLimit, trustProxy, deadlineMs = 10_000, timeouts, priorityOf = () => 'normal', configure }: Omit<HttpOptions, 'port'>,
  { health, logger, logAll, faults }: AppSurroundings,
): Promise<NestFastifyApplication> {
  const adapter = createHttpAdapter({ bodyLimit, trustProxy, timeouts });
  addRequestHooks(adapter.getInstance(), { health, deadlineMs, logAll, priorityOf });
  if (faults) addFaultHooks(adapter.getInstance(), faults);
  const app = await NestFactory.create<NestFastifyApplication>(root, adapter, { logger, abortOnError: false });
  await configure?.(app);
  return app;
}
