import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, makeTestDirectory, removeTestDirectory } from '../cluster.fixture.ts';
import type { Cluster } from '../cluster.handle.ts';
import { startCluster } from '../cluster.ts';

interface ZipkinSpan {
  name: string;
  localEndpoint: { serviceName: string };
}

describe('a cluster with traces', () => {
  let directory: string;
  let cluster: Cluster;

  beforeAll(async () => {
    directory = makeTestDirectory();
    const components = ['postgresql', 'pgbouncer', 'session-redis', 'cache-redis', 'haproxy'] as const;
    cluster = await startCluster({ directory, services: { gateway: 1, catalog: 1 }, components, with: ['traces'] });
  }, 300_000);

  afterAll(async () => {
    await cluster.stop();
    removeTestDirectory(directory);
  });

  it('shows a request under the id that it was answered with', async () => {
    const answer = await fetch(`${cluster.urls.gateway}/v1/products?limit=3`);
    const traceId = answer.headers.get('x-request-id')?.replaceAll('-', '');
    let spans: ZipkinSpan[] = [];
    await eventually('both services have sent their spans', async () => {
      const found = await fetch(`${cluster.urls.zipkin}/api/v2/trace/${traceId}`);
      spans = found.ok ? ((await found.json()) as ZipkinSpan[]) : [];
      return new Set(spans.map(({ localEndpoint }) => localEndpoint.serviceName)).size === 2;
    });
    const names = spans.map(({ name, localEndpoint }) => `${localEndpoint.serviceName}: ${name}`);
    expect(names).toEqual(expect.arrayContaining(['gateway: get /v1/products', 'catalog: catalog.listproducts']));
  });
});
