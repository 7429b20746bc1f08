import { setTimeout as delay } from 'node:timers/promises';
import { Controller, Inject, Module } from '@nestjs/common';
import type { INestApplicationContext, INestMicroservice, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { defineCalls } from '@tenfold/contracts';
import type { CallContract, ResponseOf, ValidRequestOf } from '@tenfold/contracts';
import { freePort } from '@tenfold/local-cluster/testing';
import { currentContext, raisePosition } from '@tenfold/telemetry';
import { z } from 'zod';
import { Answers, CallError, callServer, CallsModule, callsToken } from './index.ts';
import type { CallClient, CallServerOptions } from './index.ts';

export const secret = 'a secret that only the tests know';

const text = z.strictObject({ text: z.string() });
const wait = z.strictObject({ ms: z.int().min(0).max(60_000), mark: z.string().default('') });

export const fixtureCalls = defineCalls('fixture', {
  echo: { request: text, response: text, errors: [], idempotent: true, maxRequestBytes: 1_000_000 },
  whoAnswers: { request: wait, response: text, errors: [], idempotent: true },
  countOnce: { request: wait, response: text, errors: [], idempotent: false },
  refuse: { request: text, response: text, errors: ['not-found'], idempotent: true },
  context: {
    request: z.strictObject({}),
    response: z.strictObject({ requestId: z.string(), traceId: z.string(), remainingMs: z.number(), positions: z.record(z.string(), z.string()) }),
    errors: [],
    idempotent: true,
  },
  write: { request: z.strictObject({ lsn: z.string() }), response: text, errors: [], idempotent: true },
});
type Calls = typeof fixtureCalls.calls;

/** What a replica did, for the tests to look at. */
export interface Deeds {
  replica: string;
  started: string[];
  aborted: string[];
}
const DEEDS = Symbol('deeds');

@Controller()
export class FixtureHandler {
  constructor(@Inject(DEEDS) private readonly deeds: Deeds) {}

  @Answers(fixtureCalls.calls.echo)
  echo(request: ValidRequestOf<Calls['echo']>): ResponseOf<Calls['echo']> {
    return request;
  }

  @Answers(fixtureCalls.calls.whoAnswers)
  async whoAnswers({ ms, mark }: ValidRequestOf<Calls['whoAnswers']>): Promise<ResponseOf<Calls['whoAnswers']>> {
    this.deeds.started.push(mark);
    const signal = currentContext()?.signal;
    await delay(ms, undefined, signal ? { signal } : {}).catch(() => this.deeds.aborted.push(mark));
    return { text: this.deeds.replica };
  }

  @Answers(fixtureCalls.calls.countOnce)
  countOnce(request: ValidRequestOf<Calls['countOnce']>): Promise<ResponseOf<Calls['countOnce']>> {
    return this.whoAnswers(request);
  }

  @Answers(fixtureCalls.calls.refuse)
  refuse({ text }: ValidRequestOf<Calls['refuse']>): never {
    if (text === 'crash') throw new Error('the reason is nobody else\'s business');
    if (text === 'database') throw Object.assign(new Error('the primary is down'), { retryAfterMs: 1500 });
    throw new CallError(text, `refused with ${text}`, { retryAfterMs: 70 });
  }

  @Answers(fixtureCalls.calls.context)
  context(): ResponseOf<Calls['context']> {
    const context = currentContext();
    if (!context) throw new Error('no context');
    const { requestId, traceId, deadline, positions } = context;
    return { requestId, traceId, remainingMs: deadline - Date.now(), positions: Object.fromEntries(positions) };
  }

  @Answers(fixtureCalls.calls.write)
  write({ lsn }: ValidRequestOf<Calls['write']>): ResponseOf<Calls['write']> {
    const positions = currentContext()?.positions;
    if (positions) raisePosition(positions, 'fixture', lsn);
    return { text: lsn };
  }
}

export interface Replica extends Deeds {
  address: string;
  app: INestMicroservice;
}

const opened: INestApplicationContext[] = [];

/** Starts a replica that answers the fixture's calls on a port of its own. */
export async function startReplica(
  replica: string,
  options: CallServerOptions & { port?: number; contract?: CallContract; handlers?: Type<unknown>[]; tlsDirectory?: string } = {},
): Promise<Replica> {
  const { port = await freePort(), contract = fixtureCalls, handlers = [FixtureHandler], tlsDirectory, ...serverOptions } = options;
  const deeds: Deeds = { replica, started: [], aborted: [] };

  @Module({ controllers: handlers, providers: [{ provide: DEEDS, useValue: deeds }] })
  class ReplicaModule {}

  const config = { HOST: '127.0.0.1', CALLS_PORT: port, CALLS_SECRET: secret, CALLS_TLS_DIRECTORY: tlsDirectory };
  const strategy = callServer(contract, config, { closeTimeoutMs: 2000, ...serverOptions });
  const app = await NestFactory.createMicroservice(ReplicaModule, { strategy, logger: false, abortOnError: false });
  opened.push(app);
  await app.listen();
  return Object.assign(deeds, { address: `127.0.0.1:${port}`, app });
}

/** A client in a Nest application of its own. */
export async function startClient<Contract extends CallContract = typeof fixtureCalls>(
  addresses: string,
  options: { contract?: Contract; secret?: string; tlsDirectory?: string } = {},
): Promise<CallClient<Contract>> {
  const contract = options.contract ?? (fixtureCalls as unknown as Contract);

  @Module({ imports: [CallsModule.register({ contract, addresses, secret: options.secret ?? secret, tlsDirectory: options.tlsDirectory })] })
  class ClientModule {}

  const app = await NestFactory.createApplicationContext(ClientModule, { logger: false, abortOnError: false });
  opened.push(app);
  return app.get<CallClient<Contract>>(callsToken(contract));
}

/** Ends all that was started since the last time. */
export async function closeAll(): Promise<void> {
  await Promise.all(opened.splice(0).toReversed().map((app) => app.close()));
}

export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; !(await condition()); attempt += 1) {
    if (attempt > 500) throw new Error(`waited in vain for ${condition.toString()}`);
    await delay(10);
  }
}
