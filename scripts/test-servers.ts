import type { ProvidedContext } from 'vitest';
import type { TestProject } from 'vitest/node';

/** Vitest's global set-up: hands over the servers that the test runner started. */
export default function provideServers(project: TestProject): void {
  const servers = process.env['TENFOLD_TEST_SERVERS'];
  if (!servers) throw new Error('No servers to test against: run the tests by `npm test`, which starts them.');
  project.provide('servers', JSON.parse(servers) as ProvidedContext['servers']);
  project.provide('faults', process.env['TENFOLD_FAULTS'] === 'full' ? 'full' : 'short');
}
