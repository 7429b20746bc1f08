import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Database, instant, int, statement, text } from '@tenfold/database';
import { Kysely, PostgresDialect } from 'kysely';
import type { Generated } from 'kysely';
import { Pool } from 'pg';
import { DataSource, MoreThan } from 'typeorm';
import { defineBench } from '../frame/bench.ts';
import type { Side } from '../frame/bench.ts';
import { makeProducts, pageAfter, pageSql, ProductEntity } from './product.table.ts';

const page = statement('page of products', pageSql, { id: int, name: text, description: text, categoryId: int, priceCents: int, version: int, updatedAt: instant });

interface Tables {
  products: { id: number; name: string; description: string; category_id: number; price_cents: number; version: Generated<number>; updated_at: Generated<Date> };
}

/** Runs pages one after the other; what they hold is compared by the sum of their ids. */
function side(list: (after: number) => Promise<readonly { id: number; updatedAt: Date }[]>): Side {
  return {
    async run(units) {
      let sum = 0;
      for (let unit = 0; unit < units; unit += 1) {
        for (const { id, updatedAt } of await list(pageAfter(unit))) sum += id + (updatedAt instanceof Date ? 1 : 0);
      }
      return { result: sum };
    },
  };
}

/** The same sum without reading: ids have no gaps. */
function sumOf(units: number): number {
  let sum = 0;
  for (let unit = 0; unit < units; unit += 1) sum += 100 * pageAfter(unit) + 5050 + 100;
  return sum;
}

export default defineBench({
  title: 'A list of 100 products from a replica',
  unit: 'list',
  reference: 'rows',
  goals: [
    { measure: 'cpu', of: 'TypeORM find', to: 'rows', atLeast: 2 },
    { measure: 'wall', of: 'TypeORM find', to: 'rows', atLeast: 2 },
    { measure: 'cpu', of: 'pg, prepared', to: 'rows', atLeast: 0.7 },
    { measure: 'wall', of: 'pg, prepared', to: 'rows', atLeast: 0.7 },
  ],
  servers: ['postgresql'],
  async setUp({ urls, onEnd }) {
    const nodes = await makeProducts(urls, 'bench_database');
    const [replicaUrl = ''] = nodes.replicaUrls;
    const database = new Database({ name: 'bench', entities: [ProductEntity], primaryUrl: nodes.primaryUrl, replicaUrls: [replicaUrl], preparedStatements: true });
    const dataSource = await new DataSource({ type: 'postgres', url: replicaUrl, entities: [ProductEntity], installExtensions: false }).initialize();
    const pool = new Pool({ connectionString: replicaUrl });
    const kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: new Pool({ connectionString: replicaUrl }) }) });
    const scratch = mkdtempSync(join(tmpdir(), 'tenfold-pgbench-'));
    const script = join(scratch, 'page.sql');
    writeFileSync(script, `\\set after random(0, 99900)\n${pageSql.replace('$1', ':after')};\n`);
    onEnd(async () => {
      await Promise.all([database.close(), dataSource.destroy(), pool.end(), kysely.destroy()]);
      rmSync(scratch, { recursive: true });
    });
    await database.read((reader) => reader.query('select 1'));
    return {
      rows: side((after) => database.rows(page, [after])),
      'read, with TypeORM': side((after) => database.read((reader) => reader.find(ProductEntity, { where: { id: MoreThan(after) }, order: { id: 'asc' }, take: 100 }))),
      'TypeORM find': side((after) => dataSource.manager.find(ProductEntity, { where: { id: MoreThan(after) }, order: { id: 'asc' }, take: 100 })),
      Kysely: side((after) =>
        kysely
          .selectFrom('products')
          .select(['id', 'name', 'description', 'category_id as categoryId', 'price_cents as priceCents', 'version', 'updated_at as updatedAt'])
          .where('id', '>', after)
          .orderBy('id')
          .limit(100)
          .execute(),
      ),
      'pg, prepared': side(async (after) => (await pool.query<{ id: number; updatedAt: Date }>({ name: 'page', text: pageSql, values: [after] })).rows),
      'pgbench -M prepared, the limit': {
        // No CPU of ours: its program is C, and the rows are thrown away.
        async run(units) {
          const { stdout } = await promisify(execFile)('pgbench', ['-n', '-M', 'prepared', '-c', '1', '-t', String(units), '-f', script, replicaUrl], {
            env: { ...process.env, PATH: `${process.env['PATH']}:/usr/lib/postgresql/15/bin:/usr/lib/postgresql/16/bin:/usr/lib/postgresql/17/bin` },
          });
          const latency = Number(/latency average = ([\d.]+) ms/.exec(stdout)?.[1]);
          return { result: sumOf(units), measures: { 'ms a list, by its own clock': latency } };
        },
      },
    };
  },
});
