import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { PlannedRequest } from '../mix/planned-request.ts';
import { runOpenLoop } from './open-loop.ts';

describe('runOpenLoop', () => {
  let server: Server | undefined;

  afterEach(async () => {
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve) ?? resolve(undefined));
    server = undefined;
  });

  async function serve(listener: RequestListener): Promise<string> {
    server = createServer(listener);
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  const get = (path = '/'): PlannedRequest => ({ endpoint: `GET ${path}`, method: 'GET', path, headers: {}, expected: [200], readsBody: false });

  it('sends exactly rate times seconds requests and names each endpoint', async () => {
    const origin = await serve((_, response) => response.end('ok'));
    let sent = 0;
    const result = await runOpenLoop({ origin, rate: 200, seconds: 1, next: () => get(sent++ % 4 === 0 ? '/a' : '/b') });
    expect(result.overall).toMatchObject({ requests: 200, errors: 0 });
    expect(result.rate).toBe(200);
    expect(result.endpoints.map(({ endpoint, requests }) => [endpoint, requests])).toEqual([['GET /b', 150], ['GET /a', 50]]);
  });

  it('counts a request from its intended start, also while the server lets all others wait', async () => {
    // One connection and a first answer after half a second: a client that waits would see one slow request of a hundred.
    let answered = 0;
    const origin = await serve((_, response) => setTimeout(() => response.end(), answered++ === 0 ? 500 : 0));
    const result = await runOpenLoop({ origin, rate: 100, seconds: 1, connections: 1, arrivals: 'constant', next: () => get() });
    expect(result.overall.requests).toBe(100);
    expect(result.overall.p50).toBeGreaterThan(20);
    expect(result.overall.max).toBeGreaterThanOrEqual(500);
  });

  it('counts a request from its intended start, also when the generator itself comes late', async () => {
    const origin = await serve((_, response) => response.end());
    let isFirst = true;
    const next = () => {
      const until = performance.now() + (isFirst ? 300 : 0);
      isFirst = false;
      while (performance.now() < until);
      return get();
    };
    // All are sent when 300 ms have passed; half of them were due before 150.
    const result = await runOpenLoop({ origin, rate: 100, seconds: 0.3, arrivals: 'constant', next });
    expect(result.overall.p50).toBeGreaterThanOrEqual(150);
    expect(result.latestStart).toBeGreaterThanOrEqual(280);
  });

  it('does not start fewer requests while the server is slow', async () => {
    let atOnce = 0;
    const origin = await serve((_, response) => {
      atOnce++;
      setTimeout(() => response.end(), 800);
    });
    await runOpenLoop({ origin, rate: 100, seconds: 0.5, connections: 200, next: () => get() });
    expect(atOnce).toBe(50);
  });

  it('drops and counts what exceeds the requests under way', async () => {
    const origin = await serve((_, response) => setTimeout(() => response.end(), 600));
    const result = await runOpenLoop({ origin, rate: 100, seconds: 0.5, maxUnderWay: 10, next: () => get() });
    expect(result.dropped).toBe(40);
    expect(result.overall.requests).toBe(10);
  });

  it('counts a wrong status as an error and keeps its problem detail', async () => {
    const origin = await serve((_, response) => {
      response.writeHead(503, { 'content-type': 'application/problem+json' });
      response.end(JSON.stringify({ title: 'Unavailable', detail: 'no replica' }));
    });
    const result = await runOpenLoop({ origin, rate: 50, seconds: 0.2, next: () => get() });
    expect(result.overall.errors).toBe(10);
    expect(result.errors).toEqual([{ endpoint: 'GET /', status: 503, detail: 'Unavailable: no replica', count: 10 }]);
  });

  it('counts a request that is never answered as an error, and ends', async () => {
    const origin = await serve(() => {});
    const result = await runOpenLoop({ origin, rate: 20, seconds: 0.25, timeoutMs: 400, next: () => get() });
    expect(result.overall).toMatchObject({ requests: 5, errors: 5 });
  });

  it('counts a refused connection as an error', async () => {
    const origin = await serve((_, response) => response.end());
    await new Promise((resolve) => server?.close(resolve));
    const result = await runOpenLoop({ origin, rate: 20, seconds: 0.25, next: () => get() });
    expect(result.overall).toMatchObject({ requests: 5, errors: 5 });
    expect(result.errors[0]).toMatchObject({ status: 0 });
  });

  it('hands tag and body of a right answer to who planned the request', async () => {
    const origin = await serve((_, response) => {
      response.setHeader('etag', '"7"');
      response.end('{"next":null}');
    });
    const learned: unknown[] = [];
    await runOpenLoop({ origin, rate: 10, seconds: 0.1, next: () => ({ ...get(), readsBody: true, learn: (answer) => learned.push(answer) }) });
    expect(learned).toEqual([{ status: 200, etag: '"7"', body: '{"next":null}' }]);
  });
});
