import { defineConfig } from 'vitest/config';

/** The end-to-end suite: the whole shop through HAProxy. */
export default defineConfig({
  test: {
    globalSetup: ['scripts/test-servers.ts'],
    setupFiles: ['scripts/leak-check.setup.ts'],
    include: ['apps/*/src/**/*.e2e.spec.ts', 'loadtests/src/**/*.e2e.spec.ts'],
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
