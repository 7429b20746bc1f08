import { valueText } from '../report/report-text.ts';
import type { RunResult } from '../results/run-result.ts';

/** Something that goes wrong, and the gates that must notice it: these and no others. */
export interface SelftestCase {
  name: string;
  fault?: { name: string; settings: object };
  /** Processes of the cluster that are away meanwhile. */
  halted?: readonly string[];
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
  { name: 'both replicas of the database are down', halted: ['postgres-replica-1', 'postgres-replica-2'], expected: ['reads on replicas'] },
  {
    name: 'the gateway leaks 10 KB, a descriptor and a timer a request',
    fault: { name: 'leak', settings: { bytes: 10_000, handles: 1 } },
    soak: true,
    expected: ['gateway-1', 'gateway-2'].flatMap((replica) => [`heap of ${replica}`, `more descriptors in ${replica}`, `more timers in ${replica}`]),
  },
  { name: 'too few users for the rate', users: 1, expected: ['requests per second', 'dropped requests'] },
  { name: 'the generator is busy with itself', wasteMs: 120, expected: 'void' },
];

/** The route that is slowed, and by how much, to show that `compare` sees it. */
export const slowed = { route: 'GET /v1/products/:id', ms: 5 };
export const comparedPairs = 5;

/** Whether exactly the expected gates have tripped, and what to say of it: what was missed by how much, and what held. */
export function judgeCase({ name, expected }: Pick<SelftestCase, 'name' | 'expected'>, { verdicts, ...result }: Pick<RunResult, 'verdicts' | 'void'>): { isAsExpected: boolean; text: string } {
  const missed = verdicts.filter(({ met }) => !met);
  const isVoid = result.void !== undefined;
  const wanted = expected === 'void' ? [] : expected;
  const silent = isVoid ? wanted : wanted.filter((target) => !missed.some((verdict) => verdict.target === target));
  const extra = isVoid ? [] : missed.filter(({ target }) => !wanted.includes(target));
  const isAsExpected = isVoid === (expected === 'void') && silent.length === 0 && extra.length === 0;
  const judged = isVoid
    ? `the run is void, ${result.void}`
    : `${missed.map((verdict) => `${verdict.target} ${valueText(verdict, verdict.reached ?? NaN)}`).join(', ') || 'no gate trips'}; ${verdicts.length - missed.length} of ${verdicts.length} targets met`;
  const wrong = [
    ...(expected === 'void' && !isVoid ? ['IS NOT VOID'] : []),
    ...(expected !== 'void' && isVoid ? ['IS VOID'] : []),
    ...silent.map((target) => `DID NOT TRIP: ${target}`),
    ...extra.map(({ target }) => `TRIPPED TOO: ${target}`),
  ];
  return { isAsExpected, text: [`${isAsExpected ? 'ok    ' : 'WRONG '} ${name}: ${judged}`, ...wrong.map((line) => `         ${line}`)].join('\n') };
}
