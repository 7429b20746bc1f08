import { defineConfig } from 'vitest/config';

/** Tests that start clusters of their own; each file starts servers, so one file at a time. */
export default defineConfig({
  test: {
    include: ['{apps,libs}/*/src/**/*.cluster.spec.ts', 'loadtests/src/**/*.cluster.spec.ts', 'scripts/**/*.cluster.spec.ts'],
    pool: 'forks',
    fileParallelism: false,
    setupFiles: ['scripts/leak-check.setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    teardownTimeout: 10_000,
  },
});
