import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { customer, startGateway } from '../gateway.fixture.ts';
import type { RunningGateway } from '../gateway.fixture.ts';

let gateway: RunningGateway;

beforeAll(async () => {
  gateway = await startGateway({
    SESSION_REDIS_URL: inject('servers').sessionRedis,
    HTTP_HEADERS_TIMEOUT_MS: '300',
    HTTP_REQUEST_TIMEOUT_MS: '600',
    COOKIE_SECURE: 'true',
  });
});

afterAll(() => gateway.close());

const head = 'POST /v1/session HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n';

describe('a client that is too slow', () => {
  it('with its headers gets 408', async () => {
    expect(await send(head)).toMatch(/^HTTP\/1\.1 408 [^]*application\/problem\+json/);
  });

  it('with its body gets 408', async () => {
    expect(await send(`${head}Content-Length: 50\r\n\r\n{"email":`)).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('with a body of chunks that never ends gets 408', async () => {
    expect(await send(`${head}Transfer-Encoding: chunked\r\n\r\n5\r\n{"ema\r\n`)).toMatch(/^HTTP\/1\.1 408 /);
  });
});

describe('a client that sends too much', () => {
  it('of headers gets 431', async () => {
    expect(await send(`${head}X-Padding: ${'x'.repeat(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 [^]*application\/problem\+json/);
  });

  it('of a body in chunks, whose length it does not name, gets 413', async () => {
    const chunk = `4000\r\n${' '.repeat(0x4000)}\r\n`;
    expect(await send(`${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(5)}0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 413 /);
  });
});

describe('what could be read in two ways', () => {
  it.each([
    ['two lengths', 'Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}'],
    ['a length beside chunks', 'Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a space before the colon', 'Content-Length : 2\r\n\r\n{}'],
    ['a folded header', 'X-Folded: a\r\n b\r\nContent-Length : 2\r\n\r\n{}'],
    ['a bare line feed', 'X-Bare: a\nContent-Length: 2\r\n\r\n{}'],
  ])('is refused: %s', async (_what, rest) => {
    expect(await send(head + rest)).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('every answer', () => {
  it.each([
    ['a product', () => gateway.browser().get('/v1/products/7').expect(200)],
    ['a refusal', () => gateway.browser().get('/v1/orders').expect(401)],
    ['an unknown address', () => gateway.browser().get('/nothing').expect(404)],
    ['a log-in', () => gateway.browser().post('/v1/session').send(customer).expect(201)],
  ])('carries the headers that browsers obey: %s', async (_what, ask) => {
    const { headers } = await ask();
    expect(headers).toMatchObject({
      'content-security-policy': "default-src 'none';frame-ancestors 'none'",
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'strict-transport-security': 'max-age=31536000; includeSubDomains',
      'x-content-type-options': 'nosniff',
    });
    for (const revealing of ['server', 'x-powered-by', 'access-control-allow-origin']) expect(headers[revealing]).toBeUndefined();
  });
});

/** Sends bytes as they are, keeps the connection open, and returns what comes until the server closes it. */
function send(text: string): Promise<string> {
  const { hostname, port } = new URL(gateway.url);
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.write(text));
    socket.on('data', (data) => (answer += String(data)));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
  });
}
