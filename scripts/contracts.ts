import { run } from './vitest.run.ts';

/** Writes docs/calls.md, and puts the bytes of calls that are new or have changed on record. Needs no server. */
const spec = ['libs/rpc/src/contracts.spec.ts', '--testNamePattern', '^(the bytes of|the page of)'];
process.exitCode = await run('vitest', ['run', '--config', 'vitest.config.ts', ...spec, '--update'], { TENFOLD_TEST_SERVERS: '{}', CI: '' });
