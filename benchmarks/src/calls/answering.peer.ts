import 'reflect-metadata';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Transport } from '@nestjs/microservices';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { sendUnaryData, ServerUnaryCall, ServiceDefinition } from '@grpc/grpc-js';
import { freePort } from '@tenfold/local-cluster/testing';
import { Answers, callServer } from '@tenfold/rpc';
import { fastify } from 'fastify';
import { servePeer } from '../frame/peer.ts';
import { benchService } from './grpc.service.ts';
import { benchCalls, order } from './order.contract.ts';
import type { Order } from './order.contract.ts';

export type Kind = 'Tenfold' | 'Nest TCP' | 'grpc-js' | 'HTTP' | 'echo';
export const secret = 'known to both sides of the benchmark';

const host = '127.0.0.1';
const quiet = { logger: false } as const;
interface Orders {
  items: Order[];
}
const orders = benchCalls.calls.placeAll.request;

@Controller()
class BenchHandler {
  @Answers(benchCalls.calls.place)
  place(request: Order): Order {
    return request;
  }

  @Answers(benchCalls.calls.placeAll)
  placeAll(request: Orders): Orders {
    return request;
  }
}

@Module({ controllers: [BenchHandler] })
class BenchModule {}

/** As a Nest service without the contract would: the same schema by hand. */
@Controller()
class NestHandler {
  @MessagePattern('place')
  place(request: unknown): Order {
    return order.parse(request);
  }

  @MessagePattern('placeAll')
  placeAll(request: unknown): Orders {
    return orders.parse(request);
  }
}

@Module({ controllers: [NestHandler] })
class NestModule {}

/** Each resolves to the port on which it listens. */
const servers: Record<Kind, () => Promise<number>> = {
  async Tenfold() {
    const port = await freePort();
    const strategy = callServer(benchCalls, { HOST: host, CALLS_PORT: port, CALLS_SECRET: secret });
    const app = await NestFactory.createMicroservice(BenchModule, { strategy, ...quiet });
    await app.listen();
    return port;
  },
  async 'Nest TCP'() {
    const port = await freePort();
    const app = await NestFactory.createMicroservice(NestModule, { transport: Transport.TCP, options: { host, port }, ...quiet });
    await app.listen();
    return port;
  },
  async 'grpc-js'() {
    const server = new Server();
    const answer =
      <Message>(check: (request: Message) => Message) =>
      ({ request }: ServerUnaryCall<Message, Message>, respond: sendUnaryData<Message>) =>
        respond(null, check(request));
    server.addService((await benchService()).service as ServiceDefinition, {
      Place: answer<Order>((request) => order.parse(request)),
      PlaceAll: answer<Orders>((request) => orders.parse(request)),
    });
    return new Promise((resolve, reject) => {
      server.bindAsync(`${host}:0`, ServerCredentials.createInsecure(), (error, port) => (error ? reject(error) : resolve(port)));
    });
  },
  async HTTP() {
    const app = fastify({ bodyLimit: 1_048_576 });
    app.post('/place', async ({ body }) => order.parse(body));
    app.post('/placeAll', async ({ body }) => orders.parse(body));
    await app.listen({ port: 0, host });
    return (app.server.address() as AddressInfo).port;
  },
  async echo() {
    const server = createServer((socket: Socket) => {
      socket.setNoDelay(true);
      socket.on('data', (chunk) => socket.write(chunk));
    });
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    return (server.address() as AddressInfo).port;
  },
};

await servePeer((kind: Kind) => servers[kind]());
