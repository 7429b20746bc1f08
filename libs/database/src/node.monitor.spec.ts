import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from './eventually.fixture.ts';
import { NodeMonitor } from './node.monitor.ts';
import { createTestDatabase } from './test-database.ts';
import type { TestDatabase } from './test-database.ts';

let nodes: TestDatabase;

beforeAll(async () => {
  nodes = await createTestDatabase({ migrations: [] });
});

afterAll(() => nodes.drop());

test('a node that nobody reads from is looked at less often', async () => {
  let idle = false;
  let looks = 0;
  const monitor = new NodeMonitor({
    url: nodes.primaryUrl,
    intervalMs: 20,
    timeoutMs: 500,
    idle: () => idle,
    prepare: async () => {},
    onSample: () => (looks += 1),
    onFailure: (error) => expect.unreachable(String(error)),
  });
  try {
    await monitor.sample();
    await eventually(() => looks > 3);
    idle = true;
    await monitor.sampleAfresh();
    const atRest = looks;
    await sleep(900);

    expect(looks).toBe(atRest);
  } finally {
    await monitor.close();
  }
});
