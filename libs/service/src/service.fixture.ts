import 'reflect-metadata';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Body, Controller, Get, Injectable, Logger, Module, Post, Query, ServiceUnavailableException } from '@nestjs/common';
import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { currentContext } from '@tenfold/telemetry';
import { z } from 'zod';
import { Health, httpSettings, loadConfig, runService, serviceSettings } from './index.ts';

// A service of its own process for the tests: real signals, real ports.
const config = loadConfig({
  ...serviceSettings,
  ...httpSettings,
  DEPENDENCY_PORT: z.coerce.number().default(0),
  SLOW_START_MS: z.coerce.number().default(0),
  FAIL_START: z.string().optional(),
});

@Injectable()
class FixtureDependency implements OnModuleInit, OnApplicationShutdown {
  open = false;

  constructor(health: Health) {
    if (config.DEPENDENCY_PORT === 0) return;
    const check = (signal: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        const socket = connect({ port: config.DEPENDENCY_PORT, host: '127.0.0.1', signal });
        socket.once('connect', () => resolve(void socket.destroy())).once('error', reject);
      });
    health.register({ name: 'needed', required: true, check });
    health.register({ name: 'optional', required: false, check });
  }

  async onModuleInit(): Promise<void> {
    await delay(config.SLOW_START_MS);
    if (config.FAIL_START) throw new Error(config.FAIL_START);
    this.open = true;
  }

  onApplicationShutdown(): void {
    this.open = false;
  }
}

@Controller()
class FixtureController {
  private readonly logger = new Logger('Fixture');

  constructor(private readonly dependency: FixtureDependency) {}

  @Get('slow')
  async slow(@Query('ms') milliseconds: string): Promise<{ dependencyOpen: boolean }> {
    await delay(Number(milliseconds));
    return { dependencyOpen: this.dependency.open };
  }

  @Get('context')
  context(): unknown {
    const { requestId, traceId, deadline } = currentContext() ?? {};
    return { requestId, traceId, remainingMs: (deadline ?? 0) - Date.now() };
  }

  @Post('context')
  async contextAfterBody(@Body() body: unknown): Promise<unknown> {
    await delay(1);
    return { requestId: currentContext()?.requestId, body };
  }

  @Get('log')
  log(): string {
    this.logger.log({ msg: 'signed in', password: 'hunter2', request: { headers: { cookie: 'session=1', authorization: 'Bearer 2' } } });
    return 'ok';
  }

  @Get('signal')
  async signal(): Promise<string> {
    const signal = currentContext()?.signal;
    await new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve()));
    this.logger.log('client is gone');
    return 'ok';
  }

  @Get('fail')
  fail(): never {
    throw new Error('broken on purpose');
  }

  @Get('busy')
  busy(): never {
    throw new ServiceUnavailableException();
  }

  @Get('crash')
  crash(): string {
    setImmediate(() => {
      throw new Error('crashed on purpose');
    });
    return 'ok';
  }
}

@Module({ controllers: [FixtureController], providers: [FixtureDependency] })
class FixtureModule {}

await runService({ name: 'fixture', config, module: FixtureModule, http: { port: config.HTTP_PORT } });
