import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { ValidRequestOf } from '@tenfold/contracts';
import { freePort } from '@tenfold/local-cluster/testing';
import { Answers, callServer } from '@tenfold/rpc';
import { workCalls } from './work.calls.ts';

export interface ComputingOptions {
  admission: 'on' | 'off';
  secret: string;
}

const { compute } = workCalls.calls;

@Controller()
class ComputeHandler {
  @Answers(compute)
  compute({ milliseconds }: ValidRequestOf<typeof compute>): Record<string, never> {
    const until = performance.now() + milliseconds;
    while (performance.now() < until) continue;
    return {};
  }
}

@Module({ controllers: [ComputeHandler] })
class ComputeModule {}

export async function serveComputing({ secret }: ComputingOptions): Promise<number> {
  const port = await freePort();
  const config = { HOST: '127.0.0.1', CALLS_PORT: port, CALLS_SECRET: secret };
  const app = await NestFactory.createMicroservice(ComputeModule, { strategy: callServer(workCalls, config), logger: false });
  await app.listen();
  return port;
}
