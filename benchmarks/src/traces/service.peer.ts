import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { Controller, Get, Module, Param } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { CacheModule, CacheStore } from '@tenfold/cache';
import type { Cache } from '@tenfold/cache';
import { Database, DatabaseModule } from '@tenfold/database';
import { Health, HealthModule } from '@tenfold/service';
import { createHttpApp } from '@tenfold/service/testing';
import { startTracing } from '@tenfold/telemetry';
import { servePeer } from '../frame/peer.ts';

export interface PeerOptions {
  /** Absent: no traces. */
  traces?: { endpoint: string; sampleRatio: number };
  redisUrl: string;
  primaryUrl: string;
  replicaUrls: string[];
}

interface Row {
  id: number;
}

@Controller('rows')
class RowController {
  readonly #rows: Cache<Row>;
  #asked = 0;

  constructor(
    store: CacheStore,
    private readonly database: Database,
  ) {
    this.#rows = store.cache<Row>({ name: 'row', version: 1, redis: { ttlMs: 1000 } });
  }

  /** A miss of the cache each time: Redis, a replica, and Redis again. */
  @Get(':id')
  @RouteConfig({ statements: 1 })
  async get(@Param('id') id: string): Promise<Row | undefined> {
    this.#asked += 1;
    return this.#rows.get(`${process.pid}-${this.#asked}`, () =>
      this.database.read(async (reader) => {
        const [row] = await reader.query<[Row]>('SELECT $1::int AS id', [Number(id)]);
        return row;
      }),
    );
  }
}

await servePeer(async ({ traces, redisUrl, primaryUrl, replicaUrls }: PeerOptions) => {
  if (traces) {
    await startTracing({
      service: 'bench',
      version: '1',
      replica: 'bench-1',
      exporter: { kind: 'otlp', protocol: 'http/protobuf', endpoint: traces.endpoint },
      sampleRatio: traces.sampleRatio,
      slowMs: 500,
      onFailure: (error) => {
        throw error;
      },
    });
  }
  const health = new Health();
  @Module({
    imports: [
      HealthModule.register(health),
      CacheModule.register({ redisUrl, service: 'bench' }),
      DatabaseModule.register({ name: 'bench', entities: [], primaryUrl, replicaUrls, poolSize: 10 }),
    ],
    controllers: [RowController],
  })
  class RowModule {}
  const app = await createHttpApp({ module: RowModule }, {}, { health, logger: false, logAll: false });
  await app.listen(0, '127.0.0.1');
  return (app.getHttpServer().address() as AddressInfo).port;
});
