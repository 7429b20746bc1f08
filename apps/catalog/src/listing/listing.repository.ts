import { Injectable } from '@nestjs/common';
import { Database } from '@tenfold/database';
import type { Reader } from '@tenfold/database';
import { sqlOf } from './listing.order.ts';
import type { ListingOrder, ListingPosition } from './listing.order.ts';

/** Which products, in which order, from which one on. */
export interface ListingFilter extends ListingOrder {
  /** All of them must be in name or description. */
  words?: string | undefined;
  category?: number | undefined;
  /** Where the page before ended. */
  after?: ListingPosition | undefined;
}

/** Products of a page by id, and where it ends unless the list ends with it. */
export interface ListingPage {
  ids: number[];
  end: ListingPosition | null;
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
const matches = (words: string) => `search @@ (select plainto_tsquery('english', ${words}))`;

@Injectable()
export class ListingRepository {
  constructor(private readonly database: Database) {}

  findPage(filter: ListingFilter, limit: number): Promise<ListingPage> {
    return this.database.read(async (reader) => {
      const { words } = filter;
      if (words === undefined) return pageOf(await readInOrder(reader, filter, limit), limit);
      const rare = await readByIndex(reader, filter, words, limit, rareMatches);
      if (rare.matches < rareMatches) return pageOf(rare, limit);
      const walked = await walk(reader, filter, words, limit);
      if (walked.ids.length > limit || walked.walked < walkedProducts) return pageOf(walked, limit);
      return pageOf(await readByIndex(reader, filter, words, limit), limit);
    });
  }
}

/** One id more than the page has, if there is one, and what the page's last product is sorted by. */
interface Found {
  ids: number[];
  key: string | number | null;
}

function pageOf({ ids, key }: Found, limit: number): ListingPage {
  const last = ids[limit - 1];
  const onPage = ids.slice(0, limit);
  if (ids.length <= limit || last === undefined) return { ids: onPage, end: null };
  return { ids: onPage, end: key === null ? [last] : [key, last] };
}

/** Statement and parameters grow together. */
class Parameters {
  readonly values: unknown[] = [];

  add(value: unknown): string {
    return `$${this.values.push(value)}`;
  }
}

function within({ category, after, ...order }: ListingFilter, parameters: Parameters): string {
  const conditions = [
    after && sqlOf(order).beyond(after.map((value) => parameters.add(value))),
    category !== undefined && `category_id = ${parameters.add(category)}`,
  ].filter((condition) => typeof condition === 'string');
  return conditions.length > 0 ? conditions.join(' and ') : 'true';
}

/** What the last product of the page is sorted by, as the same statement sees it: the page's end stays where it is when the product changes. */
function keyOfLast(order: ListingOrder, limit: string): string {
  const { column } = sqlOf(order);
  return column === undefined ? 'null' : `(select ${column} from products where id = found.ids[${limit}])`;
}

async function readInOrder(reader: Reader, filter: ListingFilter, limit: number): Promise<Found> {
  const parameters = new Parameters();
  const [size, count] = [parameters.add(limit), parameters.add(limit + 1)];
  const [row] = await reader.query<Found[]>(
    `select ids, ${keyOfLast(filter, size)} as key
     from (select array(select id from products where ${within(filter, parameters)} order by ${sqlOf(filter).by} limit ${count}) as ids, ${size}::int) as found`,
    parameters.values,
  );
  return row ?? { ids: [], key: null };
}

async function walk(reader: Reader, filter: ListingFilter, words: string, limit: number): Promise<Found & { walked: number }> {
  const parameters = new Parameters();
  const [size, count, most] = [parameters.add(limit), parameters.add(limit + 1), parameters.add(walkedProducts)];
  // The walk is read row by row: with enough found, the rest is never fetched, unless it has to be counted.
  const [row] = await reader.query<(Found & { walked: number })[]>(
    `with walked as materialized (
       select id, ${matches(parameters.add(words))} as matches from products
       where ${within(filter, parameters)}
       order by ${sqlOf(filter).by} limit ${most}
     )
     select found.ids, ${keyOfLast(filter, size)} as key,
       case when cardinality(found.ids) < ${count} then (select count(*)::int from walked) else 0 end as walked
     from (select array(select id from walked where matches limit ${count}) as ids, ${size}::int) as found`,
    parameters.values,
  );
  return row ?? { ids: [], key: null, walked: 0 };
}

/** @param mostMatches after which it stops, with any of the matches and so not those of the page */
async function readByIndex(reader: Reader, filter: ListingFilter, words: string, limit: number, mostMatches?: number): Promise<Found & { matches: number }> {
  const parameters = new Parameters();
  const [size, count, most] = [parameters.add(limit), parameters.add(limit + 1), parameters.add(mostMatches ?? null)];
  const { by, column } = sqlOf(filter);
  const [row] = await reader.query<(Found & { matches: number })[]>(
    `with matching as materialized (
       select id${column === undefined ? '' : `, ${column}`} from products
       where ${matches(parameters.add(words))} and ${within(filter, parameters)} limit ${most}
     )
     select found.ids, ${keyOfLast(filter, size)} as key, (select count(*)::int from matching) as matches
     from (select array(select id from matching order by ${by} limit ${count}) as ids, ${size}::int) as found`,
    parameters.values,
  );
  return row ?? { ids: [], key: null, matches: 0 };
}
