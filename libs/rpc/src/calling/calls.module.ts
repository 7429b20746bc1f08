import { ConfigurableModuleBuilder, Inject, Module } from '@nestjs/common';
import type { DynamicModule, Provider } from '@nestjs/common';
import type { CallContract } from '@tenfold/contracts';
import { Health } from '@tenfold/service';
import { spendStatements } from '@tenfold/telemetry';
import { patternOf } from '../answering/answers.decorator.ts';
import { CallDispatcher } from './call.dispatcher.ts';
import type { CallClient, CallOptions } from '../call.types.ts';

export interface CallsModuleOptions {
  contract: CallContract;
  /** `host:port,host:port`, `dns:host:port` or `file:/path` with one `host:port` a line. */
  addresses: string;
  /** Shared secret of the handshake, the same as the service's `CALLS_SECRET`. */
  secret: string;
  /** The same as the service's `CALLS_TLS_DIRECTORY`, of this service's own certificates. Default none: no TLS. */
  tlsDirectory?: string | undefined;
  /**
   * Calls in work at once, over which further ones fail with `overloaded`: what a slow service can take of this one's
   * memory. Default 1000.
   */
  maxInFlight?: number;
}

/** Bytes that an answer takes beside its payload, at most. */
const answerHeadBytes = 65_536;

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<CallsModuleOptions>()
  .setExtras({ isGlobal: true }, (definition, { isGlobal }) => ({ ...definition, global: isGlobal }))
  .build();

/**
 * Provides the client of one contract for {@link InjectCalls}, everywhere unless `isGlobal` is false. It connects in
 * the background, so a service starts without those it calls.
 */
@Module({})
export class CallsModule extends ConfigurableModuleClass {
  static override register(options: CallsModuleOptions & { isGlobal?: boolean }): DynamicModule {
    const definition = super.register(options);
    const token = callsToken(options.contract);
    const providers: Provider[] = [
      {
        provide: CallDispatcher,
        inject: [MODULE_OPTIONS_TOKEN, { token: Health, optional: true }],
        useFactory: createDispatcher,
      },
      {
        provide: token,
        inject: [MODULE_OPTIONS_TOKEN, CallDispatcher],
        useFactory: ({ contract }: CallsModuleOptions, dispatcher: CallDispatcher) => createClient(contract, dispatcher),
      },
    ];
    return { ...definition, providers: [...(definition.providers ?? []), ...providers], exports: [token] };
  }
}

/** Under which a contract's client is provided. */
export function callsToken(contract: CallContract): string {
  return `calls:${contract.service}`;
}

/** Injects the `CallClient` of a contract that `CallsModule.register` was given. */
export const InjectCalls = (contract: CallContract) => Inject(callsToken(contract));

function createDispatcher(options: CallsModuleOptions, health: Health | undefined): CallDispatcher {
  const { contract, addresses, secret, tlsDirectory, maxInFlight = 1000 } = options;
  const { service, calls } = contract;
  const maxFrameBytes = answerHeadBytes + Math.max(0, ...Object.values(calls).map(({ maxResponseBytes }) => maxResponseBytes));
  const dispatcher = new CallDispatcher({ service, addresses, secret, tlsDirectory, maxFrameBytes, maxInFlight });
  health?.register({
    name: callsToken(contract),
    required: false,
    check: () => {
      if (!dispatcher.reachable) throw new Error('no replica is up');
    },
  });
  return dispatcher;
}

function createClient<Contract extends CallContract>(contract: Contract, dispatcher: CallDispatcher): CallClient<Contract> {
  const methods = Object.entries(contract.calls).map(([name, call]) => [
    name,
    call.stream
      ? (request: unknown, options?: CallOptions) => dispatcher.stream(call, request, options)
      : (request: unknown, options?: CallOptions) => {
          spendStatements(call.statements, patternOf(call));
          return dispatcher.call(call, request, options);
        },
  ]);
  return Object.freeze(Object.fromEntries(methods)) as CallClient<Contract>;
}
