import type { TestProject } from 'vitest/node';

/** Addresses of the real servers that tests run against; read with Vitest's `inject('servers')`. */
export interface TestServers {
  postgresPrimary: string;
  postgresReplicas: string[];
  postgresShard1: string;
  sessionRedis: string;
  cacheRedis: string;
  kafka: string;
  smtp: string;
  mail: string;
  gateway: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    servers: TestServers;
  }
}

/** Vitest's global set-up: hands over the servers that the test runner started. */
export default function provideServers(project: TestProject): void {
  const servers = process.env['TENFOLD_TEST_SERVERS'];
  if (!servers) throw new Error('No servers to test against: run the tests by `npm test`, which starts them.');
  project.provide('servers', JSON.parse(servers) as TestServers);
}
