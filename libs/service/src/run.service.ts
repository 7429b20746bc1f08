import type { DynamicModule, Type } from '@nestjs/common';
import type { CustomTransportStrategy } from '@nestjs/microservices';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { serviceSettings } from './service.settings.ts';
import type { ConfigOf } from './config.loader.ts';

/** The settings that `runService` itself uses. */
export type ServiceConfig = ConfigOf<typeof serviceSettings>;

export interface HttpOptions {
  port: number;
  /** Bytes of the largest request body; a bigger one is answered by 413. Default 65,536. */
  bodyLimit?: number;
  /**
   * Which proxies may name the client's address: Fastify's `trustProxy`. Default false. Never `true` for a service that
   * the world reaches directly: anyone could then forge the address that limits count by.
   */
  trustProxy?: boolean | string | string[] | number;
  /** Milliseconds a request may take; what it calls inherits the rest. Default 10,000. */
  deadlineMs?: number;
  /** Adds filters, cookies, OpenAPI, before anything is initialized. */
  configure?: (app: NestFastifyApplication) => void | Promise<void>;
}

export interface ServiceOptions {
  /** Name of the app, e.g. `catalog`. */
  name: string;
  config: ServiceConfig;
  module: Type<unknown> | DynamicModule;
  /** How the service is reached, if not by HTTP: `callServer(…)`. */
  transport?: CustomTransportStrategy;
  /** Makes it an HTTP service. At most one of `transport` and `http`. */
  http?: HttpOptions;
}

export async function runService(_options: ServiceOptions): Promise<void> {}
