import 'reflect-metadata';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Controller, Get, Module, Param } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Health, HealthModule } from '@tenfold/service';
import { createHttpApp } from '@tenfold/service/testing';
import { fastify } from 'fastify';
import { servePeer } from '../frame/peer.ts';
import { productOf } from './product.ts';

export type ServerKind = 'node:http' | 'Fastify' | 'Nest on Express' | 'Nest on Fastify' | 'Tenfold';

@Controller('products')
class ProductController {
  @Get(':id')
  get(@Param('id') id: string) {
    return productOf(Number(id));
  }
}

@Module({ controllers: [ProductController] })
class ProductModule {}

const quiet = { logger: false } as const;
const host = '127.0.0.1';

/** Each resolves to the port on which it listens. */
const servers: Record<ServerKind, () => Promise<number>> = {
  async 'node:http'() {
    const server = createServer((request, response) => {
      const id = Number(request.url?.slice('/products/'.length));
      response.setHeader('content-type', 'application/json; charset=utf-8');
      const body = JSON.stringify(productOf(id));
      response.setHeader('content-length', Buffer.byteLength(body));
      response.end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    return (server.address() as AddressInfo).port;
  },
  async Fastify() {
    const app = fastify();
    app.get<{ Params: { id: string } }>('/products/:id', async ({ params }) => productOf(Number(params.id)));
    return portOf(await app.listen({ port: 0, host }));
  },
  async 'Nest on Express'() {
    const app = await NestFactory.create(ProductModule, new ExpressAdapter(), quiet);
    await app.listen(0, host);
    return portOf(await app.getUrl());
  },
  async 'Nest on Fastify'() {
    const app = await NestFactory.create<NestFastifyApplication>(ProductModule, new FastifyAdapter(), quiet);
    await app.listen(0, host);
    return portOf(await app.getUrl());
  },
  async Tenfold() {
    const health = new Health();
    health.markRunning();
    const root = { module: ProductModule, imports: [HealthModule.register(health)] };
    const app = await createHttpApp(root, {}, { health, logger: false, logAll: false });
    await app.listen(0, host);
    return portOf(await app.getUrl());
  },
};

function portOf(url: string): number {
  return Number(new URL(url).port);
}

await servePeer((kind: ServerKind) => servers[kind]());
