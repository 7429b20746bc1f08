import { integerId, productSort, sortDirection } from '@tenfold/contracts';
import { z } from 'zod';

export interface ListingOrder {
  sort: z.output<typeof productSort>;
  direction: z.output<typeof sortDirection>;
}

/** Where a page ends: the id of its last product, before it what the list is sorted by unless that is the id. */
export type ListingPosition = [id: number] | [key: string | number, id: number];

/** What is sorted by beside the id. Ids rise with time, so they alone are the order in which products came. */
const keys = {
  created: undefined,
  name: { column: 'name', value: z.string() },
  price: { column: 'price_cents', value: z.int() },
} as const;

/** SQL of an order, from this list alone: nothing that a client sends is part of a statement. */
export function sqlOf({ sort, direction }: ListingOrder) {
  const column = keys[sort]?.column;
  return {
    /** For `order by`; the id makes it unique. */
    by: [...(column === undefined ? [] : [column]), 'id'].map((key) => `${key} ${direction}`).join(', '),
    column,
    /** @param places of the values of a position, such as `$2` */
    beyond: (places: readonly string[]) => `(${column === undefined ? 'id' : `${column}, id`}) ${direction === 'asc' ? '>' : '<'} (${places.join(', ')})`,
  };
}

/** What a cursor of the order holds. That of `created` is the bare id. */
export function positionSchema({ sort }: ListingOrder): z.ZodType<ListingPosition> {
  const key = keys[sort];
  return key ? z.tuple([key.value as z.ZodType<string | number>, integerId]) : integerId.transform((id): ListingPosition => [id]);
}

export function cursorOf(position: ListingPosition): unknown {
  return position.length === 1 ? position[0] : position;
}
