import type { INestMicroservice, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { CallContract } from '@tenfold/contracts';
import { freePort } from '@tenfold/local-cluster/testing';
import { callServer } from './answering/call.server.ts';

/** A service of a test, reached over the real transport. */
export interface TestCallServer {
  app: INestMicroservice;
  /** `host:port`, for `CALL_ADDRESSES_<SERVICE>`. */
  address: string;
}

/** Answers the calls of a contract by the handlers of a test's own module, on a free port. */
export async function startCallServer(contract: CallContract, module: Type, secret: string): Promise<TestCallServer> {
  const port = await freePort();
  const strategy = callServer(contract, { HOST: '127.0.0.1', CALLS_PORT: port, CALLS_SECRET: secret });
  const app = await NestFactory.createMicroservice(module, { strategy, logger: false });
  await app.listen();
  return { app, address: `127.0.0.1:${port}` };
}
