import { Database, int, statement, text } from '@tenfold/database';
import { createContext, runInContext } from '@tenfold/telemetry';
import { Pool } from 'pg';
import { DataSource } from 'typeorm';
import { makeProducts, pageAfter, ProductEntity } from '../database/product.table.ts';
import { defineBench } from '../frame/bench.ts';
import type { Side } from '../frame/bench.ts';

const sql = 'select id, name from products where id > $1 order by id limit 20';
const page = statement('routed page', sql, { id: int, name: text });
const atATime = 8;

/** Eight at a time, as a service under load has them. */
function side(list: (after: number) => Promise<readonly { id: number }[]>): Side {
  return {
    async run(units) {
      let next = 0;
      let sum = 0;
      const worker = async () => {
        while (next < units) for (const { id } of await list(pageAfter(next++))) sum += id;
      };
      await Promise.all(Array.from({ length: atATime }, worker));
      return { result: sum };
    },
  };
}

export default defineBench({
  title: 'A list of 20 rows: routed, and straight from pools of the two replicas in turn',
  unit: 'list',
  reference: 'rows, routed',
  goals: [
    { measure: 'cpu', of: 'rows, routed', to: 'pg, pools in turn', atMost: 1.05 },
    { measure: 'wall', of: 'rows, routed', to: 'pg, pools in turn', atMost: 1.05 },
    { measure: 'cpu', of: 'read, routed', to: 'TypeORM, data sources in turn', atMost: 1.05 },
  ],
  servers: ['postgresql'],
  async setUp({ urls, onEnd }) {
    const nodes = await makeProducts(urls, 'bench_routing');
    const database = new Database({ name: 'bench', entities: [ProductEntity], ...nodes, preparedStatements: true });
    const pools = nodes.replicaUrls.map((connectionString) => new Pool({ connectionString }));
    const sources = await Promise.all(nodes.replicaUrls.map((url) => new DataSource({ type: 'postgres', url, installExtensions: false }).initialize()));
    onEnd(() => Promise.all([database.close(), ...pools.map((pool) => pool.end()), ...sources.map((source) => source.destroy())]));
    const context = createContext();
    // A position that both replicas have long reached: what a session carries that wrote once.
    await runInContext(context, () => database.write((tx) => tx.query('select 1')));
    let turn = 0;
    const inTurn = <Node>(all: readonly Node[]): Node => all[turn++ % all.length] as Node;
    const routed = (run: Side) => ({ run: (units: number) => runInContext(context, () => run.run(units)) });
    return {
      'rows, routed': routed(side((after) => database.rows(page, [after]))),
      'pg, pools in turn': side(async (after) => (await inTurn(pools).query<{ id: number }>({ name: 'page', text: sql, values: [after] })).rows),
      'read, routed': routed(side((after) => database.read((reader) => reader.query<{ id: number }[]>(sql, [after])))),
      'TypeORM, data sources in turn': side((after) => inTurn(sources).manager.query<{ id: number }[]>(sql, [after])),
    };
  },
});
