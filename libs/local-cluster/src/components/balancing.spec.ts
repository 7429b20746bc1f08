import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, createServer, get } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { root } from '../cluster.options.ts';
import { socketPath } from '../files.ts';
import { startBalancer, withSbin } from './balancer.fixture.ts';
import { balancerSettings, haproxyConfig } from './haproxy.config.ts';

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tenfold-balancing-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const configOf = (environment: Record<string, string>, httpPort = 1, metricsPort = 2) =>
  haproxyConfig(root, { httpPort, metricsPort, adminSocket: socketPath(directory, 'haproxy.sock') }, balancerSettings(environment));

describe('the configuration of HAProxy', () => {
  it.each([{}, { ALGORITHM: 'leastconn' }, { ALGORITHM: 'roundrobin' }, { ALGORITHM: 'random(2)' }, { CACHE: 'off' }, { COMPRESSION: 'on' }, { COMPRESSION: 'on', CACHE: 'off' }])('is valid with %j', (environment) => {
    const file = join(directory, 'checked.cfg');
    writeFileSync(file, configOf(environment));
    expect(() => execFileSync('haproxy', ['-c', '-f', file], { stdio: 'pipe', env: withSbin() })).not.toThrow();
  });

  it.each([{ ALGORITHM: 'fastest' }, { WEIGHTS: '1,0' }, { WEIGHTS: '1,many' }])('is refused with %j', (environment) => {
    expect(() => balancerSettings(environment)).toThrow(/There is no balancing|Weights are/);
  });
});

/** Runs HAProxy before servers, once it knows them all, and ends them all afterwards. */
async function behindHaproxy<Result>(environment: Record<string, string>, servers: readonly Server[], run: (port: number) => Promise<Result>): Promise<Result> {
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  const balancer = await startBalancer({ root, environment, ports });
  try {
    return await run(balancer.port);
  } finally {
    await balancer.stop();
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
  }
}

/** Of 600 requests by 20 clients, the share that the second of two replicas gets, which takes ten times as long. */
async function shareOfSlowOne(environment: Record<string, string>): Promise<number> {
  const counts = [0, 0];
  const servers = await Promise.all([5, 50].map((delayMs, index) => slowServer(delayMs, () => (counts[index] = (counts[index] ?? 0) + 1))));
  const agent = new Agent({ keepAlive: true, maxSockets: 20 });
  return behindHaproxy(environment, servers, async (port) => {
    const asked = async () => {
      await ask(agent, port);
      expect(Math.min(...counts)).toBeGreaterThan(0);
    };
    await vi.waitFor(asked, { timeout: 10_000 });
    counts.fill(0);
    let sent = 0;
    const client = async () => {
      while (sent < 600) {
        sent += 1;
        await ask(agent, port);
      }
    };
    await Promise.all(Array.from({ length: 20 }, client));
    return (counts[1] ?? 0) / 600;
  }).finally(() => agent.destroy());
}

async function slowServer(delayMs: number, count: () => void): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.url === '/health/ready') return void response.end('{}');
    count();
    setTimeout(() => response.end('{}'), delayMs);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}

function ask(agent: Agent, port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: '/', agent }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    }).on('error', reject);
  });
}

describe('a slow replica', () => {
  it('gets far less than its share by fewest connections', async () => {
    expect(await shareOfSlowOne({ ALGORITHM: 'leastconn' })).toBeLessThan(0.25);
  });

  it('gets as much as any in turn', async () => {
    const share = await shareOfSlowOne({ ALGORITHM: 'roundrobin' });
    expect(share).toBeGreaterThan(0.45);
    expect(share).toBeLessThan(0.55);
  });

  it('gets what its weight says', async () => {
    const share = await shareOfSlowOne({ ALGORITHM: 'roundrobin', WEIGHTS: '90,10' });
    expect(share).toBeGreaterThan(0.05);
    expect(share).toBeLessThan(0.15);
  });
});

describe('compression, where it is on,', () => {
  it('makes lists smaller, also kept ones, and says so to caches behind it', async () => {
    const page = JSON.stringify({ items: Array.from({ length: 20 }, (_, id) => ({ id, name: `Walnut desk lamp no. ${id}`, priceCents: 4900 + id })) });
    let asked = 0;
    const server = createServer((request, response) => {
      if (request.url === '/health/ready') return void response.end('{}');
      asked += 1;
      response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'public, s-maxage=1', etag: '"tag"', 'content-length': page.length });
      return void response.end(page);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const answers = await behindHaproxy({ COMPRESSION: 'on' }, [server], async (port) => {
      const url = `http://127.0.0.1:${port}/v1/products`;
      await vi.waitFor(async () => expect((await fetch(url)).status).toBe(200), { timeout: 10_000 });
      const headers = { 'accept-encoding': 'gzip', connection: 'close' };
      const taken = [];
      // One after the other: at once, all of them could come in the instant in which what was kept ends.
      for (let request = 0; request < 3; request += 1) {
        const response = await fetch(url, { headers });
        taken.push({ headers: Object.fromEntries(response.headers), text: await response.text() });
      }
      return taken;
    });
    for (const { headers, text } of answers) {
      expect(headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding', etag: 'W/"tag"' });
      expect(text).toBe(page);
    }
    expect(asked).toBeLessThan(4);
  });
});
