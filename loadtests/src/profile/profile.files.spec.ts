import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Session } from 'node:inspector/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { readProfileFile, writeProfile } from './profile.files.ts';
import { requireReplica } from './replica.profile.ts';

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'tenfold-profile-'))));
afterAll(() => rmSync(folder, { recursive: true }));

const fileOf = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

function workHard(): number {
  const until = performance.now() + 50;
  let sum = 0;
  while (performance.now() < until) sum += Math.sqrt(sum + 1);
  return sum;
}

describe('a file of a profile', () => {
  it('of V8 becomes a flamegraph', async () => {
    const session = new Session();
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.start');
    workHard();
    const { profile } = await session.post('Profiler.stop');
    session.disconnect();
    const taken = readProfileFile('catalog-1', fileOf('taken.cpuprofile', JSON.stringify(profile)));
    expect(taken).toMatchObject({ kind: 'cpu', service: { name: 'catalog', replica: 'catalog-1' } });
    const { flamegraph } = await writeProfile(taken, folder);
    expect(readFileSync(flamegraph, 'utf8')).toContain('workHard');
  });

  it('may be of memory', () => {
    const head = { callFrame: { functionName: '(root)', scriptId: '0', url: '', lineNumber: 0, columnNumber: 0 }, selfSize: 0, id: 1, children: [] };
    expect(readProfileFile('catalog-1', fileOf('taken.heapprofile', JSON.stringify({ head, samples: [] })))).toMatchObject({ kind: 'allocations' });
  });

  it.each([
    ['half.cpuprofile', '{"nodes":[', 'not written to its end'],
    ['package.json', '{"name":"tenfold"}', 'neither a .cpuprofile nor a .heapprofile'],
    ['empty.cpuprofile', '{"nodes":[],"startTime":0,"endTime":1}', 'neither a .cpuprofile nor a .heapprofile'],
  ])('%s is refused in words for a person', (name, text, message) => {
    expect(() => readProfileFile('catalog-1', fileOf(name, text))).toThrow(expect.objectContaining({ name: 'ProfileRefused', message: expect.stringContaining(message) }));
  });

  it('that is not there is refused', () => {
    expect(() => readProfileFile('catalog-1', join(folder, 'none'))).toThrow(/none cannot be read/);
  });
});

describe('a replica elsewhere', () => {
  async function listen(answer: string): Promise<string> {
    const server = createServer((_request, response) => response.end(answer));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close().closeAllConnections());
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  it('is the one that its port says it is', async () => {
    const url = await listen('{"name":"catalog","version":"1","replica":"catalog-7d9f-x2x4z"}');
    expect(await requireReplica(url, 'catalog')).toBe('catalog-7d9f-x2x4z');
    await expect(requireReplica(url, 'orders')).rejects.toThrow('is catalog-7d9f-x2x4z, not orders');
  });

  it('is none where something else answers, or nothing', async () => {
    await expect(requireReplica(await listen('<html>'), 'catalog')).rejects.toThrow('is no operations port');
    await expect(requireReplica('http://127.0.0.1:9', 'catalog')).rejects.toThrow('does not answer');
  });
});
