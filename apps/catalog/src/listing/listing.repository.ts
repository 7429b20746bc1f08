import { Injectable } from '@nestjs/common';
import { Database } from '@tenfold/database';
import type { Reader } from '@tenfold/database';

/** Which products, from which one on. */
export interface ListingFilter {
  /** All of them must be in name or description. */
  words?: string | undefined;
  category?: number | undefined;
  /** Id after which to begin; 0 for the first page. */
  after: number;
}

/**
 * Matches up to which the index of words is asked: √(page × number of products) is best.
 *
 * An index of words knows no order: for a word in half of 100,000 products it would fetch and sort 50,000 rows (90 ms)
 * for a page of 20. A walk by id finds that page at once, but reads 2,000 rows in vain (5 ms) for a rare word, and nearly
 * all searches that no cache answers are for rare ones. PostgreSQL's guess which is better is wrong for words that it has
 * no statistics of. So the index is asked first, but gives up where a word turns out to be common.
 * Measured with 100,000 products: rare words 0.5 to 1.5 ms, hot ones 4 ms, two hot ones that never meet 7 ms.
 */
const rareMatches = 1_500;

/** Products that the walk looks at before the index is asked for everything. */
const walkedProducts = 2_000;

// In a subselect the planner does not see the words, and so takes the same plan for all of them.
const matches = `search @@ (select plainto_tsquery('english', $1))`;

@Injectable()
export class ListingRepository {
  constructor(private readonly database: Database) {}

  /** Ids in ascending order, at most `count`. */
  async findIds({ words, category, after }: ListingFilter, count: number): Promise<number[]> {
    return this.database.read(async (reader) => {
      if (words === undefined) return findIds(reader, category, after, count);
      const rare = await findIdsByIndex(reader, words, category, after, count, rareMatches);
      if (rare.matches < rareMatches) return rare.ids;
      const walk = await walkIds(reader, words, category, after, count);
      if (walk.ids.length === count || walk.walked < walkedProducts) return walk.ids;
      return (await findIdsByIndex(reader, words, category, after, count)).ids;
    });
  }
}

async function findIds(reader: Reader, category: number | undefined, after: number, count: number): Promise<number[]> {
  const rows = await reader.query<{ id: number }[]>(
    `select id from products where id > $1 ${category === undefined ? '' : 'and category_id = $3'}
     order by id limit $2`,
    category === undefined ? [after, count] : [after, count, category],
  );
  return rows.map(({ id }) => id);
}

async function walkIds(
  reader: Reader,
  words: string,
  category: number | undefined,
  after: number,
  count: number,
): Promise<{ ids: number[]; walked: number }> {
  // The walk is read row by row: with enough found, the rest is never fetched, unless it has to be counted.
  const [row] = await reader.query<{ ids: number[]; walked: number }[]>(
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

/** @param mostMatches after which it stops, with any of the matches and so not those of the page */
async function findIdsByIndex(
  reader: Reader,
  words: string,
  category: number | undefined,
  after: number,
  count: number,
  mostMatches?: number,
): Promise<{ ids: number[]; matches: number }> {
  const [row] = await reader.query<{ ids: number[]; matches: number }[]>(
    `with found as materialized (
       select id from products
       where ${matches} and id > $2 ${category === undefined ? '' : 'and category_id = $5'} limit $4
     )
     select array(select id from found order by id limit $3) as ids, (select count(*)::int from found) as matches`,
    [words, after, count, mostMatches ?? null, ...(category === undefined ? [] : [category])],
  );
  return row ?? { ids: [], matches: 0 };
}
