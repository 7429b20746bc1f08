import type { INestMicroservice, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { CallContract } from '@tenfold/contracts';
import { freePort } from '@tenfold/local-cluster/testing';
import type { z } from 'zod';
import { callServer } from './answering/call.server.ts';
import { FrameType, headBytes, lengthBytes } from './wire/frame.codec.ts';
import type { FrameBytes } from './wire/frame.codec.ts';
import { decodeTableBody, encodeTableFrame } from './wire/frame.writer.ts';
import { compile } from './wire/table.compiler.ts';
import { layoutOf } from './wire/table.layout.ts';

export { CircuitBreaker } from './calling/circuit.breaker.ts';
export { decodePlain, encodePlain } from './wire/plain.messagepack.ts';

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

/** What frames by the table of a schema take, alone: for benchmarks. */
export function tableCodecOf(schema: z.ZodType): { encode(value: unknown): FrameBytes; decode(frame: FrameBytes): unknown } {
  const codec = compile(layoutOf(schema, 'output'));
  const head = { type: FrameType.Answer, id: 1, table: 1, maxBytes: 10_000_000 };
  return {
    encode: (value) => encodeTableFrame(head, codec, value),
    decode: ({ bytes, start, end }) => decodeTableBody(codec, bytes, start + lengthBytes + headBytes, end),
  };
}
