import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { HeapProfiler, Profiler } from 'node:inspector';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';
import { afterAll, describe, expect, it } from 'vitest';
import { callTreeOf } from './call-tree.ts';
import type { CallNode } from './call-tree.ts';
import { costsByFunction, costsByOwner, inclusiveCosts } from './costs.ts';
import { flamegraphPage } from './flamegraph.page.ts';
import { SourceMaps } from './source-maps.ts';

const folder = mkdtempSync(join(tmpdir(), 'tenfold-call-tree-'));
afterAll(() => rmSync(folder, { recursive: true }));

const frame = (functionName: string, url = '', lineNumber = 9) => ({ functionName, scriptId: '1', url, lineNumber, columnNumber: 0 });

/** root → handler (ours) → query (a package) → handler again; beside them what V8 does itself. */
const profile: Profiler.Profile = {
  nodes: [
    { id: 1, callFrame: frame('(root)'), children: [2, 5, 6, 7] },
    { id: 2, callFrame: frame('handler', 'file:///shop/apps/catalog/src/product.handler.ts'), children: [3] },
    { id: 3, callFrame: frame('query', 'file:///shop/node_modules/pg/lib/client.js'), children: [4] },
    { id: 4, callFrame: frame('handler', 'file:///shop/apps/catalog/src/product.handler.ts') },
    { id: 5, callFrame: frame('(idle)') },
    { id: 6, callFrame: frame('(garbage collector)') },
    { id: 7, callFrame: frame('constructor') },
  ],
  startTime: 0,
  endTime: 100_000,
  samples: [2, 3, 4, 5, 6, 7],
  timeDeltas: [0, 10_000, 20_000, 5_000, 50_000, 12_000, 3_000],
};

const treeOf = (profile: Profiler.Profile) => callTreeOf({ kind: 'cpu', profile }, new SourceMaps('catalog'));
const listed = (costs: { name: string; place: string; value: number }[]) => costs.map(({ name, place, value }) => `${name} ${place} ${value}`.replace('  ', ' '));

describe('a CPU profile as a tree', () => {
  it('leaves out the idle time, and gives each sample the time until the next', () => {
    expect(treeOf(profile).total).toBe(10 + 20 + 5 + 12 + 3);
  });

  it('says whose code the time went to', () => {
    expect(listed(costsByOwner(treeOf(profile)))).toEqual(['pg 20', 'apps/catalog 15', 'garbage collection 12', 'node 3']);
  });

  it('adds up a function wherever it was called', () => {
    expect(listed(costsByFunction(treeOf(profile)))[1]).toBe('handler /shop/apps/catalog/src/product.handler.ts:10 15');
  });

  it('counts a function of ours that calls itself once', () => {
    expect(listed(inclusiveCosts(treeOf(profile)))).toEqual(['handler /shop/apps/catalog/src/product.handler.ts:10 35']);
  });

  it('is empty for a process that did nothing', () => {
    const tree = treeOf({ ...profile, samples: [5, 5], timeDeltas: [0, 1000] });
    expect(tree.total).toBe(0);
    expect(costsByOwner(tree)).toEqual([]);
  });
});

describe('a profile of waiting as a tree', () => {
  it('leaves out promises that only wrap what is waited for', () => {
    const wrapper = { id: 8, callFrame: frame('lastValueFrom', 'file:///shop/node_modules/rxjs/internal/lastValueFrom.js') };
    const root = { ...(profile.nodes[0] as Profiler.ProfileNode), children: [2, 8] };
    const waiting = { ...profile, nodes: [root, ...profile.nodes.slice(1, 4), wrapper], samples: [3, 8, 1], timeDeltas: [0, 7000, 9000] };
    expect(callTreeOf({ kind: 'io', profile: waiting }, new SourceMaps('catalog')).total).toBe(7);
  });
});

describe('a heap profile as a tree', () => {
  it('counts bytes by who asked for them', () => {
    const head: HeapProfiler.SamplingHeapProfileNode = {
      callFrame: frame('(root)'),
      selfSize: 0,
      children: [{ callFrame: frame('encode', 'file:///shop/node_modules/msgpackr/pack.js'), selfSize: 300, children: [{ callFrame: frame('Buffer'), selfSize: 700, children: [] }] }],
    };
    const tree = callTreeOf({ kind: 'allocations', profile: { head, samples: [] } }, new SourceMaps('catalog'));
    expect(tree.total).toBe(1000);
    expect(listed(costsByOwner(tree))).toEqual(['node 700', 'msgpackr 300']);
  });
});

describe('bundled code', () => {
  it('is named by its sources', async () => {
    writeFileSync(join(folder, 'price.ts'), 'export type Cents = number;\n\nexport function priceOf(cents: Cents): string {\n  return String(cents);\n}\n');
    writeFileSync(join(folder, 'entry.ts'), "import { priceOf } from './price.ts';\nconsole.log(priceOf(7));\n");
    const bundle = await rolldown({ input: join(folder, 'entry.ts'), platform: 'node' });
    const output = join(folder, 'bundle.js');
    await bundle.write({ file: output, format: 'esm', sourcemap: true });
    await bundle.close();
    const lines = readFileSync(output, 'utf8').split('\n');
    const line = lines.findIndex((text) => text.includes('function priceOf'));
    const place = new SourceMaps('none').find(pathToFileURL(output).href, line, lines[line]?.indexOf('(') ?? 0);
    expect(basename(place?.file ?? '')).toBe('price.ts');
    expect(place?.line).toBe(3);
  });

  it('without a map keeps its own place', () => {
    expect(new SourceMaps('none').find('file:///shop/elsewhere.js', 1, 1)).toBeUndefined();
  });
});

describe('the page', () => {
  it('needs nothing but itself, and cannot be broken by a name', async () => {
    const evil: CallNode = { frame: { name: '</script><script>alert(1)', place: '<b>', owner: 'apps/x' }, self: 5, total: 5, children: [] };
    const page = await flamegraphPage({ frame: { name: 'all', place: '', owner: '' }, self: 0, total: 5, children: [evil] }, { title: 'a & b', facts: ['<i>'], unit: 'milliseconds' });
    expect(page).not.toContain('<script>alert');
    expect(page).not.toContain('<b>');
    expect(page).not.toMatch(/(src|href)="/);
    expect(page).toContain('a &amp; b');
  });
});
