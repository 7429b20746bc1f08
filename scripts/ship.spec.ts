import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readDeclarations } from '@tenfold/local-cluster';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { build } from './build.ts';
import { ship } from './ship.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const services = readDeclarations(join(root, 'apps')).map(({ name }) => name);
const folder = mkdtempSync(join(tmpdir(), 'tenfold-ship-'));

beforeAll(async () => {
  await build();
  for (const service of services) ship(service, join(folder, service));
}, 600_000);
afterAll(() => rmSync(folder, { recursive: true }));

interface Component {
  'bom-ref': string;
  name: string;
  version: string;
  hashes?: { content: string }[];
}

test.for(services)('the bill of materials of %s is what the lockfile says of the packages in its image', (service) => {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: Record<string, { version: string; integrity?: string }> };
  const { components } = JSON.parse(readFileSync(join(folder, service, 'sbom.cdx.json'), 'utf8')) as { components: Component[] };
  const [node, ...libraries] = components;

  expect(node?.name).toBe('node');
  const locked = libraries.map(({ 'bom-ref': place }) => [packages[place]?.version, packages[place]?.integrity?.split('-')[1]]);
  expect(libraries.map(({ version, hashes }) => [version, Buffer.from(hashes?.[0]?.content ?? '', 'hex').toString('base64')])).toEqual(locked);
});

test.for(services)('every package that a bundle of %s has code of, or loads, is in its bill of materials', (service) => {
  const { components } = JSON.parse(readFileSync(join(folder, service, 'sbom.cdx.json'), 'utf8')) as { components: Component[] };
  const names = new Set(components.map(({ name }) => name));
  const maps = globSync('*.js.map', { cwd: join(folder, service) }).map((file) => readFileSync(join(folder, service, file), 'utf8'));
  const bundled = new Set(maps.flatMap((map) => (JSON.parse(map) as { sources: string[] }).sources.flatMap((source) => /.*node_modules\/((@[^/]+\/)?[^/]+)\//.exec(source)?.[1] ?? [])));
  const beside = existsSync(join(folder, service, 'node_modules')) ? globSync('{@*/*,[!@]*}', { cwd: join(folder, service, 'node_modules') }) : [];

  expect(bundled.size).toBeGreaterThan(20);
  expect([...bundled, ...beside].filter((name) => !names.has(name))).toEqual([]);
});

test.for(services)('nothing that ships with %s is machine code: the same files run on every platform', (service) => {
  const files = globSync('**', { cwd: join(folder, service), withFileTypes: true }).filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const beginning = (file: string) => readFileSync(file).subarray(0, 4).toString('latin1');

  expect(files.length).toBeGreaterThan(3);
  expect(files.filter((file) => file.endsWith('.node') || ['\x7fELF', 'MZ\x90\0', '\xcf\xfa\xed\xfe'].includes(beginning(file)))).toEqual([]);
});
