/*
 * What of this workspace is the sample shop, and what is the template: the one place that says so. A workspace without
 * the shop is what is left when all of this is taken out; new-workspace.cluster.spec.ts makes one, and runs it.
 */

/** Its services; each goes with its contract, its manifests, and its place in the gateway's settings. */
export const shopServices = ['catalog', 'inventory', 'orders', 'worker'] as const;

/** Files and folders that are the shop's in whole. */
export const shopPaths: readonly string[] = [
  'apps/gateway/src/cart',
  'apps/gateway/src/categories',
  'apps/gateway/src/orders',
  'apps/gateway/src/products',
  'apps/gateway/src/reports',
  'apps/gateway/src/stock',
  'apps/gateway/src/checkout-trace.e2e.spec.ts',
  'apps/gateway/src/shop-journeys.e2e.spec.ts',
  'apps/gateway/src/shop-lists.e2e.spec.ts',
  'apps/gateway/src/shop-refusals.e2e.spec.ts',
  'apps/gateway/src/shop.e2e.spec.ts',
  // Benchmarks and patterns are measured on the shop's rows.
  'benchmarks',
  'docs/benchmarks.md',
  'docs/event-sourcing.md',
  'docs/first-service.md',
  'docs/growing-data.md',
  'docs/patterns',
  'docs/promises.md',
  'docs/scaling-plan.md',
  'k8s/examples',
  'k8s/overlays/keda',
  'libs/local-cluster/src/calls.cluster.spec.ts',
  'libs/local-cluster/src/traces/traces.cluster.spec.ts',
  'libs/scaffold/src/combinations.cluster.spec.ts',
  'libs/scaffold/src/connect/connect.spec.ts',
  'libs/scaffold/src/first-service.cluster.spec.ts',
  'loadtests/results',
  // Computed from the costs of the shop.
  'loadtests/src/capacity',
  'loadtests/src/faults',
  'loadtests/src/loadtest/report.orders.ts',
  'loadtests/src/mix/reports.ts',
  'loadtests/src/mix/search-terms.ts',
  'loadtests/src/mix/shop.traffic.spec.ts',
  'loadtests/src/mix/shop.traffic.ts',
  'loadtests/src/seed/catalog.seed.ts',
  'loadtests/src/seed/inventory.seed.ts',
  'loadtests/src/seed/order.ts',
  'loadtests/src/seed/orders.seed.ts',
  'loadtests/src/seed/product.ts',
  'loadtests/src/seed/worker.seed.ts',
  'scripts/kubernetes/examples.spec.ts',
  'scripts/kubernetes/rehearsal.ts',
  'scripts/kubernetes/steady-shopper.ts',
];

/** What is the shop's in files that are not: matches go, and TypeScript loses what nothing mentions any more. */
export const shopLines: Readonly<Record<string, readonly RegExp[]>> = {
  '.dockerignore': [/^!benchmarks.*\n/gm],
  'apps/gateway/src/gateway.fixture.ts': [/^.*\bcatalog\b.*\n/gm, /, catalogCalls/g],
  'apps/gateway/src/gateway.module.ts': [
    /^ *(Cart|Category|Order|OrderBook|Product|Report|Stock)Controller,\n/gm,
    /^ *(ProductAnswers|ReportEvents),\n/gm,
    /^ *CallsModule\.register\(\{ contract: (catalog|inventory|orders|worker)Calls,.*\n/gm,
    /^import .* from '\.\/(cart|categories|orders|products|reports|stock)\/.*\n/gm,
  ],
  'apps/gateway/src/limits/route-priority.ts': [/^ *'\w+ \/v1\/(products|reports|orders).*\n/gm],
  'k8s/overlays/local/data/postgresql.yaml': [/ orders_shard_1/g],
  'libs/contracts/src/index.ts': [/^ *(priceCents|itemQuantity),\n/gm, /^export type \{ ItemQuantity \}.*\n/gm],
  'loadtests/src/demo.ts': [/^ *mails: .*\n/gm],
  'loadtests/src/loadtest/knee.spec.ts': [/, mails: \d+/g],
  'loadtests/src/loadtest/selftest.cases.ts': [/, 'p9\d of GET \/v1\/products\?q='/g, /^ *\/\/ The fault is by route.*\n/gm],
  'loadtests/src/loadtest/shoppers.ts': [/^.*orderReports.*\n/gm],
  'loadtests/src/mix/shopper.ts': [/^.*\bcart\b.*\n/gm],
  'loadtests/src/mix/traffics.ts': [/^.*shopTraffics.*\n/gm],
  'loadtests/src/report/cluster-counters.ts': [/^ *\/\*\* Receipts .*\n/gm, /^ *mails: .*\n/gm],
  'loadtests/src/report/observation.spec.ts': [/, mails: \d+/g],
  'loadtests/src/report/report-text.ts': [/^.*receipts mailed.*\n/gm],
  'loadtests/src/report/report.spec.ts': [/, mails: \d+/g],
  'loadtests/src/seed/seed.spec.ts': [/^ *(products|orders): \d+,\n/gm],
  'loadtests/src/seed/seed.ts': [/^ *(catalogSeed|ordersSeed\(\d\)|inventorySeed|workerSeed),\n/gm, /^ *(products|orders): .*\n/gm],
  'loadtests/src/seed/service-seed.ts': [/^ *(products|orders): .*\n/gm],
  'package.json': [/^ *"(bench|capacity|prove|rehearsal)": .*\n/gm, /,\n *"benchmarks"/g],
  'scripts/db.ts': [/npm run db -- (restore YYYY-MM|move-bucket BUCKET FROM TO)\n +/g, /^(restore|move-bucket) .*\n/gm, /^.*verb === '(restore|move-bucket)'.*\n/gm],
  'scripts/tsconfig.json': [/ *\{\s*"path": "\.\.\/apps\/orders"\s*\},\n/g],
  'tsconfig.json': [/ *\{\s*"path": "benchmarks"\s*\},\n/g],
  'vitest.config.ts': [/(?<='\{)benchmarks,/g],
};

/** Declarations and methods that are the shop's. */
export const shopDeclarations: Readonly<Record<string, readonly string[]>> = {
  'apps/gateway/src/gateway.fixture.ts': ['Catalog', 'CatalogForTests', 'CatalogModule'],
  'apps/gateway/src/shop.fixture.ts': ['placeOrder', 'leaveInStock', 'Mail', 'mailsTo'],
  'libs/contracts/src/fields.contract.ts': ['priceCents', 'itemQuantity', 'ItemQuantity'],
  'scripts/db.ts': ['restore', 'move'],
};

/** Tests of what stays, whose examples are the shop's: those go. */
export const shopTests: Readonly<Record<string, RegExp>> = {
  'apps/gateway/src/**/*.spec.ts': /\/v1\/(products|cart|orders|reports|categories)|[Cc]atalog|[Oo]rders?Calls/,
  'libs/local-cluster/src/components.cluster.spec.ts': /catalog|orders/,
  'libs/scaffold/src/*/*.spec.ts': /'catalog'|apps\/orders|by worker|receipt/,
  'loadtests/src/seed/seed.spec.ts': /[Pp]roduct|[Oo]rders?\b|[Cc]atalog|[Ss]ales|kinds|inventory/,
  'scripts/kubernetes/arithmetic.spec.ts': /'(catalog|inventory|orders|worker)'/,
  'scripts/kubernetes/metrics-api.spec.ts': /the shipped autoscalers/,
};
