import { defineConfig } from 'vitest/config';

/** The fault suite. One file at a time: a file may load the machine, or start servers of its own to kill. */
export default defineConfig({
  test: {
    globalSetup: ['scripts/test-servers.ts'],
    setupFiles: ['scripts/leak-check.setup.ts'],
    include: ['{apps,libs}/*/src/**/*.fault.spec.ts', 'loadtests/src/**/*.fault.spec.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 300_000,
    expect: { poll: { timeout: 30_000 } },
    hookTimeout: 180_000,
    teardownTimeout: 10_000,
  },
});
