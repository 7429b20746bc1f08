import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { faultProxy } from './fault-proxy.ts';
import type { FaultProxy } from './fault-proxy.ts';

describe('a fault proxy', () => {
  let server: Server;
  let proxy: FaultProxy;

  beforeEach(async () => {
    server = createServer((request, response) => response.end(`you asked for ${request.url}`));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    proxy = await faultProxy(`http://127.0.0.1:${(server.address() as AddressInfo).port}/path`);
  });

  afterEach(async () => {
    await proxy.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const ask = async (timeoutMs = 5_000) => (await fetch(proxy.url, { signal: AbortSignal.timeout(timeoutMs), keepalive: false })).text();

  it('passes on what is said, under a URL like the target’s', async () => {
    expect(await ask()).toBe('you asked for /path');
  });

  it('refuses connections until it is healed, on the same port', async () => {
    await proxy.refuse();
    await expect(ask()).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
    await proxy.heal();
    expect(await ask()).toBe('you asked for /path');
  });

  it('holds everything back while it stalls, and passes it on when it is healed', async () => {
    proxy.stall();
    await expect(ask(200)).rejects.toMatchObject({ name: 'TimeoutError' });
    const held = ask();
    await proxy.heal();
    expect(await held).toBe('you asked for /path');
  });

  it('lets answers arrive later', async () => {
    proxy.delay(300);
    await expect(ask(150)).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(await ask()).toBe('you asked for /path');
  });
});
