import { connect } from 'node:net';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientProxyFactory, Transport } from '@nestjs/microservices';
import { credentials } from '@grpc/grpc-js';
import type { Client } from '@grpc/grpc-js';
import { CallsModule, callsToken } from '@tenfold/rpc';
import type { CallClient } from '@tenfold/rpc';
import { firstValueFrom } from 'rxjs';
import { Pool } from 'undici';
import type { Kind } from './answering.peer.ts';
import { benchService } from './grpc.service.ts';
import { benchCalls } from './order.contract.ts';
import type { Order } from './order.contract.ts';

/** One way to call the service of its kind. */
export interface Caller {
  place(order: Order): Promise<Order>;
  placeAll(orders: { items: Order[] }): Promise<{ items: Order[] }>;
  close(): unknown;
}

interface Target {
  port: number;
  secret: string;
  /** Calls in flight at once: HTTP/1.1 needs a connection for each. */
  concurrency: number;
}

const host = '127.0.0.1';
type Unary = (request: unknown, done: (error: Error | null, response: never) => void) => void;

export const callers: Record<Exclude<Kind, 'echo'>, (target: Target) => Promise<Caller>> = {
  async Tenfold({ port, secret }) {
    @Module({ imports: [CallsModule.register({ contract: benchCalls, addresses: `${host}:${port}`, secret })] })
    class CallerModule {}
    const app = await NestFactory.createApplicationContext(CallerModule, { logger: false });
    const { place, placeAll } = app.get<CallClient<typeof benchCalls>>(callsToken(benchCalls));
    return { place: (order) => place(order), placeAll: (orders) => placeAll(orders), close: () => app.close() };
  },
  async 'Nest TCP'({ port }) {
    const client = ClientProxyFactory.create({ transport: Transport.TCP, options: { host, port } });
    await client.connect();
    return {
      place: (order) => firstValueFrom(client.send<Order>('place', order)),
      placeAll: (orders) => firstValueFrom(client.send<{ items: Order[] }>('placeAll', orders)),
      close: () => client.close(),
    };
  },
  async 'grpc-js'({ port }) {
    const Bench = await benchService();
    const client = new Bench(`${host}:${port}`, credentials.createInsecure());
    const methods = client as unknown as Record<'Place' | 'PlaceAll', Unary>;
    const call = <Response>(method: 'Place' | 'PlaceAll', request: unknown) =>
      new Promise<Response>((resolve, reject) => methods[method](request, (error, response) => (error ? reject(error) : resolve(response))));
    return {
      place: (order) => call('Place', order),
      placeAll: (orders) => call('PlaceAll', orders),
      close: () => (client as Client).close(),
    };
  },
  async HTTP({ port, concurrency }) {
    const pool = new Pool(`http://${host}:${port}`, { connections: concurrency });
    const post = async <Response>(path: string, body: unknown): Promise<Response> => {
      const answer = await pool.request({ path, method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
      return (await answer.body.json()) as Response;
    };
    return { place: (order) => post('/place', order), placeAll: (orders) => post('/placeAll', orders), close: () => pool.close() };
  },
};

/**
 * The limit: frames of that length to and fro over one connection, nothing in them. Writes of one turn go out together,
 * as ours do.
 */
export async function echoCaller(port: number, bytes: number): Promise<{ call: () => Promise<void>; close: () => unknown }> {
  const socket = connect(port, host);
  socket.setNoDelay(true);
  await new Promise((resolve) => socket.once('connect', resolve));
  const frame = Buffer.alloc(bytes, 1);
  const waiting: (() => void)[] = [];
  let next = 0;
  let received = 0;
  socket.on('data', (chunk) => {
    for (received += chunk.length; received >= bytes; received -= bytes) {
      waiting[next]?.();
      next += 1;
    }
    if (next === waiting.length) waiting.length = next = 0;
  });
  let queued = 0;
  const flush = () => {
    socket.write(Buffer.alloc(queued * bytes, frame));
    queued = 0;
  };
  const call = () =>
    new Promise<void>((resolve) => {
      waiting.push(resolve);
      if (queued === 0) setImmediate(flush);
      queued += 1;
    });
  return { call, close: () => socket.destroy() };
}
