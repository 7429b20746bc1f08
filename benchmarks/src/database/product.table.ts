import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterUrls } from '@tenfold/local-cluster';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { makeDatabase, withClient } from './bench.database.ts';

@Entity('products')
export class ProductEntity {
  @PrimaryColumn('int')
  id!: number;

  @Column('text')
  name!: string;

  @Column('text')
  description!: string;

  @Column('int', { name: 'category_id' })
  categoryId!: number;

  @Column('int', { name: 'price_cents' })
  priceCents!: number;

  @Column('int')
  version!: number;

  @Column('timestamptz', { name: 'updated_at' })
  updatedAt!: Date;
}

export const productColumns = `id, name, description, category_id as "categoryId", price_cents as "priceCents", version, updated_at as "updatedAt"`;
export const pageSql = `select ${productColumns} from products where id > $1 order by id limit 100`;
export const products = 100_000;

/** Where page `number` begins, spread over the table. */
export const pageAfter = (number: number): number => (number * 7919) % (products - 100);

/**
 * A table like the shop's, with as many products, in a database of its own on the primary and both replicas.
 *
 * @returns their URLs, when the replicas have all of it
 */
export async function makeProducts(urls: ClusterUrls, database: string): Promise<{ primaryUrl: string; replicaUrls: string[] }> {
  const { primary, replicas } = urls.postgres;
  const of = (url: string) => `${url}/${database}`;
  await makeDatabase(primary, database);
  const position = await withClient(of(primary), async (client) => {
    await client.query(`
      create table products (
        id int primary key, name text not null, description text not null, category_id int not null, price_cents int not null,
        version int not null default 1, updated_at timestamptz not null default now()
      )`);
    await client.query(`
      insert into products select n, 'Product ' || n, repeat('of a length that descriptions have, ', 5) || n, n % 200, 100 + n % 9900
      from generate_series(1, ${products}) as n`);
    await client.query('vacuum analyze products');
    return (await client.query<{ lsn: string }>('select pg_current_wal_lsn()::text as lsn')).rows[0]?.lsn ?? '0/0';
  });
  for (const replica of replicas) {
    await withClient(`${replica}/postgres`, async (client) => {
      while (!(await client.query<{ has: boolean }>('select pg_last_wal_replay_lsn() >= $1::pg_lsn as has', [position])).rows[0]?.has) await sleep(50);
    });
  }
  return { primaryUrl: of(primary), replicaUrls: replicas.map(of) };
}
