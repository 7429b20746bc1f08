import { Module } from '@nestjs/common';
import type { DynamicModule, LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { TerminusModule } from '@nestjs/terminus';
import { DIAGNOSTICS_TOKEN, DiagnosticsController } from './diagnostics.controller.ts';
import { FaultController } from './fault.controller.ts';
import { FaultModule } from './fault.switch.ts';
import type { FaultSwitch } from './fault.switch.ts';
import { HealthModule } from './health.module.ts';
import type { Health } from './health.registry.ts';
import { createHttpAdapter } from './http.adapter.ts';
import { OperationsController, SERVICE_INFO } from './operations.controller.ts';
import type { ServiceInfo } from './operations.controller.ts';
import { PROFILE_TOKEN, ProfileController } from './profile.controller.ts';

@Module({})
class OperationsModule {}

interface OperationsOptions {
  /** Switches faults; nobody can without it. */
  faults: FaultSwitch | undefined;
  /** Who may see what the process holds; nobody without one. */
  diagnosticsToken: string | undefined;
  info: ServiceInfo;
  health: Health;
  logger: LoggerService;
  host: string;
  port: number;
  /** Who may take profiles; nobody without one. */
  profileToken: string | undefined;
  modules: readonly DynamicModule[];
}

/** Starts the operations port: an application of its own, so that it answers while the service boots and drains. */
export async function startOperations(options: OperationsOptions): Promise<NestFastifyApplication> {
  const { faults, profileToken, diagnosticsToken } = options;
  const module = {
    module: OperationsModule,
    imports: [HealthModule.register(options.health), TerminusModule.forRoot({ logger: false }), ...(faults ? [FaultModule.register(faults)] : []), ...options.modules],
    providers: [
      { provide: SERVICE_INFO, useValue: options.info },
      { provide: PROFILE_TOKEN, useValue: profileToken },
      { provide: DIAGNOSTICS_TOKEN, useValue: diagnosticsToken },
    ],
    controllers: [
      OperationsController,
      ...(profileToken === undefined ? [] : [ProfileController]),
      ...(diagnosticsToken === undefined ? [] : [DiagnosticsController]),
      ...(faults ? [FaultController] : []),
    ],
  };
  const app = await NestFactory.create<NestFastifyApplication>(module, createHttpAdapter(), {
    logger: options.logger,
    abortOnError: false,
  });
  await app.listen(options.port, options.host);
  return app;
}
