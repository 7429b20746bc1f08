import { defineConfig } from 'vitest/config';

/** Library and service tests; the end-to-end and cluster suites have files of their own. */
export default defineConfig({
  test: {
    globalSetup: ['scripts/test-servers.ts'],
    setupFiles: ['scripts/leak-check.setup.ts'],
    include: ['{apps,libs}/*/src/**/*.spec.ts', '{benchmarks,loadtests}/src/**/*.spec.ts', 'scripts/**/*.spec.ts'],
    exclude: ['**/node_modules/**', '**/*.e2e.spec.ts', '**/*.cluster.spec.ts', '**/*.fault.spec.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    // How long something may take is not what these tests are about; Vitest's own second is soon over on a busy machine.
    expect: { poll: { timeout: 10_000 } },
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
  },
});
