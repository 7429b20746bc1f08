/** What every side answers: a record such as a product, made anew for each request as if it came from a cache. */
export function productOf(id: number) {
  return {
    id,
    name: `Walnut desk lamp no. ${id}`,
    description: 'A lamp for long evenings, turned from one piece of walnut, with a shade of unbleached linen.',
    category: 'lamps',
    priceCents: 4900 + id,
    currency: 'EUR',
    stock: 12,
    tags: ['walnut', 'linen', 'desk'],
  };
}
