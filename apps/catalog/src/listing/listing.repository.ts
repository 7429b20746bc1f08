import { Injectable } from '@nestjs/common';
import { Database } from '@tenfold/database';
import type { EntityManager } from 'typeorm';

/** Which products, from which one on. */
export interface ListingFilter {
  /** All of them must be in name or description. */
  words?: string | undefined;
  category?: number | undefined;
  /** Id after which to begin; 0 for the first page. */
  after: number;
}

/**
 * Products to look at one by one before the index of words is asked; about √(50 × number of products) is best.
 *
 * An index of words knows no order: for a word in half of 100,000 products it fetches and sorts 50,000 rows (90 ms) for
 * a page of 20. A walk by id finds that page at once, but needs the whole table for a rare word (60 ms), and
 * PostgreSQL's guess which is better is wrong for words that it has no statistics of. So neither runs unbounded: a word
 * that the walk does not find often enough is rare enough for the index. Measured with 100,000 products: hot words
 * 0.5 ms, rare ones 1 to 3 ms, two hot ones that never meet 7 ms.
 */
const walkedProducts = 2_000;

// In a subselect the planner does not see the words, and so takes the same plan for all of them.
const matches = `search @@ (select plainto_tsquery('english', $1))`;

@Injectable()
export class ListingRepository {
  constructor(private readonly database: Database) {}

  /** Ids in ascending order, at most `count`. */
  async findIds({ words, category, after }: ListingFilter, count: number): Promise<number[]> {
    return this.database.read(async (manager) => {
      if (words === undefined) return findIds(manager, category, after, count);
      const walk = await walkIds(manager, words, category, after, count);
      const isComplete = walk.ids.length === count || walk.walked < walkedProducts;
      return isComplete ? walk.ids : findIdsByIndex(manager, words, category, after, count);
    });
  }
}

async function findIds(manager: EntityManager, category: number | undefined, after: number, count: number): Promise<number[]> {
  const rows = await manager.query<{ id: number }[]>(
    `select id from products where id > $1 ${category === undefined ? '' : 'and category_id = $3'}
     order by id limit $2`,
    category === undefined ? [after, count] : [after, count, category],
  );
  return rows.map(({ id }) => id);
}

async function walkIds(
  manager: EntityManager,
  words: string,
  category: number | undefined,
  after: number,
  count: number,
): Promise<{ ids: number[]; walked: number }> {
  // The walk is read row by row: with enough found, the rest is never fetched, unless it has to be counted.
  const [row] = await manager.query<{ ids: number[]; walked: number }[]>(
    `with walked as materialized (
       select id, ${matches} as matches from products
       where id > $2 ${category === undefined ? '' : 'and category_id = $5'}
       order by id limit $4
     )
     select found.ids,
       case when cardinality(found.ids) < $3 then (select count(*)::int from walked) else 0 end as walked
     from (select array(select id from walked where matches limit $3) as ids) as found`,
    [words, after, count, walkedProducts, ...(category === undefined ? [] : [category])],
  );
  return row ?? { ids: [], walked: 0 };
}

async function findIdsByIndex(
  manager: EntityManager,
  words: string,
  category: number | undefined,
  after: number,
  count: number,
): Promise<number[]> {
  const rows = await manager.query<{ id: number }[]>(
    `with found as materialized (
       select id from products
       where ${matches} and id > $2 ${category === undefined ? '' : 'and category_id = $4'}
     )
     select id from found order by id limit $3`,
    [words, after, count, ...(category === undefined ? [] : [category])],
  );
  return rows.map(({ id }) => id);
}
