import 'reflect-metadata';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import cookie from '@fastify/cookie';
import { Controller, Get, Injectable, Module, Param, StandardSchemaValidationPipe, UnauthorizedException } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { Health, HealthModule } from '@tenfold/service';
import { createHttpApp } from '@tenfold/service/testing';
import { SessionModule, sessionIdVerifier, SessionStore, signSessionId } from '@tenfold/session';
import { histogram } from '@tenfold/telemetry';
import { RedisStore } from 'connect-redis';
import { sign } from 'cookie-signature';
import expressSession from 'express-session';
import { fastify } from 'fastify';
import type { FastifyRequest } from 'fastify';
import { createClient } from 'redis';
import { z } from 'zod';
import { servePeer } from '../frame/peer.ts';
import { productOf } from '../http/product.ts';

export type ServerKind = 'node:http' | 'Fastify' | 'Nest on Fastify' | 'Nest on Express';

export interface SessionServer {
  port: number;
  /** Of somebody who has logged in. */
  cookie: string;
}

const host = '127.0.0.1';
const keys = ['a key that signs the cookies of a benchmark'];
const verify = sessionIdVerifier(keys);
const limits = { idleSeconds: 3600, absoluteSeconds: 7200, keyPrefix: 'bench-http' };
const account = { id: 'b7a3f3f0-5f0e-4a53-9d0b-6a1f5b8f3a11', email: 'ada@example.com', name: 'Ada Lovelace', role: 'customer' };
const named = z.strictObject({ id: z.coerce.number().int().min(1) });

async function cookieOf(store: SessionStore): Promise<string> {
  const { id } = await store.create({ account, device: 'bench' });
  return `session=${signSessionId(id, keys)}`;
}

@Injectable()
class SessionGuard implements CanActivate {
  constructor(private readonly store: SessionStore) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const verified = verify(request.cookies['session'] ?? '');
    const session = verified && (await this.store.load(verified.id));
    if (!session?.account) throw new UnauthorizedException();
    return true;
  }
}

@Controller('products')
class ProductController {
  @Get(':id')
  get(@Param({ schema: named }) { id }: z.output<typeof named>) {
    return productOf(id);
  }
}

@Module({ controllers: [ProductController] })
class ProductModule {}

const servers: Record<ServerKind, (redisUrl: string) => Promise<SessionServer>> = {
  async 'node:http'() {
    const server = createServer((request, response) => {
      const body = JSON.stringify(productOf(Number(request.url?.slice('/products/'.length))));
      response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(body) }).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    return { port: (server.address() as AddressInfo).port, cookie: 'session=none' };
  },
  async Fastify(redisUrl) {
    const store = new SessionStore({ redisUrl, ...limits }, new Health());
    await store.onModuleInit();
    const durations = histogram({ name: 'bench_duration_seconds', help: 'As every server keeps one.', labelNames: ['route', 'method', 'status'] });
    const app = fastify();
    await app.register(cookie);
    app.addHook('onRequest', async (request, reply) => {
      void reply.header('x-request-id', request.headers['x-request-id'] ?? crypto.randomUUID());
      const verified = verify(request.cookies['session'] ?? '');
      const session = verified && (await store.load(verified.id));
      if (!session?.account) return reply.code(401).send({});
      return undefined;
    });
    app.addHook('onResponse', (request, reply, done) => {
      durations.observe({ route: request.routeOptions.url ?? '', method: request.method, status: `${Math.floor(reply.statusCode / 100)}xx` }, reply.elapsedTime / 1000);
      done();
    });
    app.get('/products/:id', async ({ params }) => productOf(named.parse(params).id));
    return { port: portOf(await app.listen({ port: 0, host })), cookie: await cookieOf(store) };
  },
  async 'Nest on Fastify'(redisUrl) {
    const health = new Health();
    health.markRunning();
    const imports = [HealthModule.register(health), SessionModule.register({ redisUrl, ...limits })];
    const configure = async (app: Parameters<NonNullable<Parameters<typeof createHttpApp>[1]['configure']>>[0]) => {
      await app.register(cookie);
      app.useGlobalPipes(new StandardSchemaValidationPipe());
      app.useGlobalGuards(new SessionGuard(app.get(SessionStore)));
    };
    const app = await createHttpApp({ module: ProductModule, imports }, { configure }, { health, logger: false, logAll: false });
    await app.listen(0, host);
    return { port: portOf(await app.getUrl()), cookie: await cookieOf(app.get(SessionStore)) };
  },
  async 'Nest on Express'(redisUrl) {
    const client = createClient({ url: redisUrl });
    await client.connect();
    const store = new RedisStore({ client, prefix: 'bench-express:', ttl: limits.idleSeconds });
    const id = 'a-session-of-the-benchmark';
    await store.set(id, { cookie: { originalMaxAge: limits.idleSeconds * 1000 }, account } as unknown as expressSession.SessionData);
    const durations = histogram({ name: 'bench_duration_seconds', help: 'As every server keeps one.', labelNames: ['route', 'method', 'status'] });
    const app = await NestFactory.create(ProductModule, new ExpressAdapter(), { logger: false });
    app.use((request: { headers: Record<string, string | undefined>; method: string; route?: { path: string } }, response: import('node:http').ServerResponse, next: () => void) => {
      const startedAt = performance.now();
      response.setHeader('x-request-id', request.headers['x-request-id'] ?? crypto.randomUUID());
      response.once('finish', () => {
        const status = `${Math.floor(response.statusCode / 100)}xx`;
        durations.observe({ route: request.route?.path ?? '', method: request.method, status }, (performance.now() - startedAt) / 1000);
      });
      next();
    });
    app.use(expressSession({ store, secret: keys[0] ?? '', name: 'session', resave: false, saveUninitialized: false }));
    app.use((request: { session: { account?: unknown } }, response: import('node:http').ServerResponse, next: () => void) => {
      if (request.session.account) return next();
      response.statusCode = 401;
      return void response.end();
    });
    app.useGlobalPipes(new StandardSchemaValidationPipe());
    await app.listen(0, host);
    return { port: portOf(await app.getUrl()), cookie: `session=${encodeURIComponent(`s:${sign(id, keys[0] ?? '')}`)}` };
  },
};

function portOf(url: string): number {
  return Number(new URL(url).port);
}

await servePeer(({ kind, redisUrl }: { kind: ServerKind; redisUrl: string }) => servers[kind](redisUrl));
