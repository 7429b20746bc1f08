import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Database, DatabaseModule } from '@tenfold/database';
import { HealthModule } from '@tenfold/service';
import { registry } from '@tenfold/telemetry';
import { defineBench } from '../../frame/bench.ts';
import type { Side, Surroundings } from '../../frame/bench.ts';
import { askedFor, makeProducts } from '../catalog-rows.ts';
import { inFlight } from '../in-flight.ts';

export default defineBench({
  title: 'A product by id from the database, 16 at a time, with two replicas and without',
  unit: 'read',
  reference: 'without',
  goals: [
    { measure: 'reads on the primary, %', of: 'with', atMost: 1 },
    { measure: 'cpu', of: 'with', to: 'without', atMost: 0.9 },
  ],
  servers: ['postgresql'],
  async setUp(surroundings) {
    const { primaryUrl, replicaUrls } = await makeProducts(surroundings.urls, 'prove_read_replicas');
    return {
      with: await side(surroundings, 'with', { primaryUrl, replicaUrls }),
      without: await side(surroundings, 'without', { primaryUrl, replicaUrls: [] }),
    };
  },
});

async function side({ onEnd }: Surroundings, name: string, nodes: { primaryUrl: string; replicaUrls: string[] }): Promise<Side> {
  @Module({ imports: [HealthModule.register(), DatabaseModule.register({ name, entities: [], poolSize: 10, ...nodes })] })
  class CatalogModule {}
  const app = await NestFactory.createApplicationContext(CatalogModule, { logger: false });
  onEnd(() => app.close());
  const database = app.get(Database);
  return {
    async run(units) {
      const before = await readsOf(name);
      const prices = await inFlight(units, 16, (n) =>
        database.read(async (reader) => {
          const [product] = await reader.query<{ price_cents: number }[]>('SELECT price_cents FROM products WHERE id = $1', [askedFor(n)]);
          return product?.price_cents ?? 0;
        }),
      );
      const after = await readsOf(name);
      const onPrimary = (100 * (after.primary - before.primary)) / units;
      return { result: prices.reduce((sum, price) => sum + price, 0), measures: { 'reads on the primary, %': onPrimary } };
    },
  };
}

async function readsOf(database: string): Promise<{ primary: number }> {
  const metric = await registry.getSingleMetric('database_reads_total')?.get();
  const ofPrimary = metric?.values.find(({ labels }) => labels['database'] === database && labels['node_role'] === 'primary');
  return { primary: ofPrimary?.value ?? 0 };
}
