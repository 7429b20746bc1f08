/** Something that goes wrong, and the gates that must notice it: these and no others. */
export interface SelftestCase {
  name: string;
  fault?: { name: string; settings: object };
  /** Users of k6, where there are to be too few. */
  users?: number;
  /** Milliseconds of CPU that the generator wastes for each request. */
  wasteMs?: number;
  /** Whether heaps are watched, as in a soak. */
  soak?: boolean;
  /** Targets that are missed, or `void` for a run that says nothing. */
  expected: readonly string[] | 'void';
}

export const selftestCases: readonly SelftestCase[] = [
  { name: 'nothing is wrong', soak: true, expected: [] },
  {
    name: 'GET /v1/session takes 300 ms more',
    fault: { name: 'slow-route', settings: { route: 'GET /v1/session', ms: 300 } },
    expected: ['p95 of GET /v1/session'],
  },
  {
    name: 'GET /v1/products takes 700 ms more',
    fault: { name: 'slow-route', settings: { route: 'GET /v1/products', ms: 700 } },
    // The fault is by route, and the router knows no query.
    expected: ['p95 overall', 'p99 overall', 'p95 of GET /v1/products', 'p99 of GET /v1/products', 'p95 of GET /v1/products?q=', 'p99 of GET /v1/products?q='],
  },
  {
    name: '5 % of GET /v1/products/:id fail',
    fault: { name: 'failing-route', settings: { route: 'GET /v1/products/:id', share: 0.05 } },
    expected: ['errors'],
  },
  { name: 'caches are off', fault: { name: 'cache-off', settings: {} }, expected: ['cache hit rate'] },
  {
    name: 'the gateway leaks 40 KB a request',
    fault: { name: 'leak', settings: { bytes: 40_000 } },
    soak: true,
    expected: ['heap of gateway-1', 'heap of gateway-2'],
  },
  { name: 'too few users for the rate', users: 1, expected: ['requests per second', 'dropped requests'] },
  { name: 'the generator is busy with itself', wasteMs: 40, expected: 'void' },
];

/** The route that is slowed, and by how much, to show that `compare` sees it. */
export const slowed = { route: 'GET /v1/products/:id', ms: 5 };
export const comparedPairs = 5;
