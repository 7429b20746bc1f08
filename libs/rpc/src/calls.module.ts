import { ConfigurableModuleBuilder, Inject, Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import type { CallContract } from '@tenfold/contracts';

export interface CallsModuleOptions {
  contract: CallContract;
  /** `host:port,host:port`, `dns:host:port` or `file:/path` with one `host:port` a line. */
  addresses: string;
  /** Shared secret of the handshake, the same as the service's `CALLS_SECRET`. */
  secret: string;
}

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<CallsModuleOptions>()
  .setExtras({ isGlobal: true }, (definition, { isGlobal }) => ({ ...definition, global: isGlobal }))
  .build();

@Module({})
export class CallsModule extends ConfigurableModuleClass {
  static override register(options: CallsModuleOptions & { isGlobal?: boolean }): DynamicModule {
    const token = callsToken(options.contract);
    const provider = { provide: token, inject: [MODULE_OPTIONS_TOKEN], useFactory: () => ({}) };
    const definition = super.register(options);
    return { ...definition, providers: [...(definition.providers ?? []), provider], exports: [token] };
  }
}

/** Under which a contract's client is provided. */
export function callsToken(contract: CallContract): string {
  return `calls:${contract.service}`;
}

/** Injects the `CallClient` of a contract that `CallsModule.register` was given. */
export const InjectCalls = (contract: CallContract) => Inject(callsToken(contract));
