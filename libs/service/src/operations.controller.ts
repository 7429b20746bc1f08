import { Controller, Get, Header, Inject, Logger, ServiceUnavailableException } from '@nestjs/common';
import { HealthCheckService, HealthIndicatorService } from '@nestjs/terminus';
import type { HealthCheckResult, HealthIndicatorResult } from '@nestjs/terminus';
import { registry } from '@tenfold/telemetry';
import { Health } from './health.registry.ts';
import type { Dependency } from './health.registry.ts';

export interface ServiceInfo {
  name: string;
  version: string;
  replica: string;
}

export const SERVICE_INFO = Symbol('service info');

/** How long one dependency may take to answer, in milliseconds, and how long its answer is good for. */
const checkTimeoutMs = 1000;
const checkCacheMs = 250;

/** What the operations port answers: probes, metrics, and who this is. */
@Controller()
export class OperationsController {
  private readonly logger = new Logger('Health');
  private wasReady = true;

  constructor(
    private readonly health: Health,
    private readonly checks: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    @Inject(SERVICE_INFO) private readonly serviceInfo: ServiceInfo,
  ) {}

  /** Asks nothing but this process: a restart mends no dependency. */
  @Get('health/live')
  @Header('cache-control', 'no-store')
  live(): { status: string } {
    return { status: 'ok' };
  }

  @Get('health/startup')
  @Header('cache-control', 'no-store')
  startup(): { status: string } {
    if (this.health.phase === 'starting') throw new ServiceUnavailableException({ status: 'starting' });
    return { status: 'ok' };
  }

  @Get('health/ready')
  @Header('cache-control', 'no-store')
  async ready(): Promise<HealthCheckResult> {
    if (this.health.phase !== 'running') throw new ServiceUnavailableException({ status: this.health.phase });
    const required = this.health.dependencies.filter((dependency) => dependency.required);
    try {
      const result = await this.checks.check(required.map((dependency) => () => this.ask(dependency)));
      if (!this.wasReady) this.logger.log('ready again');
      this.wasReady = true;
      return result;
    } catch (error) {
      if (this.wasReady && error instanceof ServiceUnavailableException) {
        this.logger.warn({ msg: 'not ready', response: error.getResponse() });
      }
      this.wasReady = false;
      throw error;
    }
  }

  /** All dependencies, for people: one that is down and not required makes the service `degraded`. */
  @Get('health/dependencies')
  @Header('cache-control', 'no-store')
  dependencies(): Promise<HealthCheckResult> {
    return this.checks.check(this.health.dependencies.map((dependency) => () => this.ask(dependency)));
  }

  @Get('metrics')
  @Header('content-type', registry.contentType)
  metrics(): Promise<string> {
    return registry.metrics();
  }

  @Get('info')
  info(): ServiceInfo {
    return this.serviceInfo;
  }

  private async ask({ name, required, check }: Dependency): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check(name);
    const result = await indicator
      .attempt(async ({ signal }) => {
        await check(signal);
      })
      .withTimeout(checkTimeoutMs)
      .cacheFor(checkCacheMs);
    const { status, ...details } = result[name] ?? { status: 'down' as const };
    return status === 'down' && !required ? indicator.degraded(details) : result;
  }
}
