import { fileURLToPath } from 'node:url';
import type { Tree } from '@nx/devkit';
import { FsTree } from 'nx/src/generators/tree.js';
import ts from 'typescript';
import { beforeEach, describe, expect, it } from 'vitest';
import removeService from '../remove-service/remove-service.generator.ts';
import { packageOf, serviceNames } from '../workspace.ts';
import service from './service.generator.ts';
import type { ServiceOptions } from './service.plan.ts';

const root = fileURLToPath(new URL('../../../..', import.meta.url));

/** This workspace, as long as nothing is written to it. */
let tree: FsTree;

beforeEach(() => {
  tree = new FsTree(root, false);
});

const everything = { database: true, calls: true, http: true, jobs: true, cache: true };
const options: ServiceOptions = { name: 'billing-plans', ...everything };

const combinations: [string, ServiceOptions][] = [
  ['everything', options],
  ['calls and a database', { name: 'billing-plans' }],
  ['calls alone', { name: 'pricing', database: false }],
  ['calls alone, over HTTP', { name: 'pricing', database: false, http: true }],
  ['jobs alone', { name: 'invoices', calls: false, jobs: true }],
  ['a cache', { name: 'invoices', cache: true }],
  ['a database over HTTP', { name: 'deliveries', http: true }],
];

const filesOf = (tree: Tree & Pick<FsTree, 'listChanges'>) => new Map(tree.listChanges().map(({ path, content }) => [path, content?.toString() ?? '']));

describe.each(combinations)('a service with %s', (_what, combination) => {
  it('is written in whole, well-formed sources', () => {
    service(tree, combination);
    const files = [...filesOf(tree)];
    const untidy = files.filter(([, text]) => /<%|%>|\n\n\n|[ \t]\n|\[object|\n\n$|[^\n]$/.test(text));
    expect(untidy.map(([path]) => path)).toEqual([]);
    expect(files.flatMap(([path, text]) => (path.endsWith('.ts') ? mistakesIn(path, text) : []))).toEqual([]);
  });

  it('touches nothing in libs/ but its contract', () => {
    service(tree, combination);
    const touched = [...filesOf(tree).keys()].filter((path) => path.startsWith('libs/'));
    expect(touched.filter((path) => !path.startsWith('libs/contracts/'))).toEqual([]);
  });

  it('is written once: the same again changes nothing, and what was edited since stays', () => {
    service(tree, combination);
    const readme = `apps/${combination.name}/README.md`;
    tree.write(readme, 'My own words.\n');
    const before = filesOf(tree);
    expect(service(tree, combination)).toBeUndefined();
    expect(filesOf(tree)).toEqual(before);
  });

  it('leaves nothing behind when it goes', () => {
    service(tree, combination);
    tree.write(`apps/${combination.name}/src/written-by-hand.ts`, 'export const more = 1;\n');
    removeService(tree, { name: combination.name });
    expect(tree.listChanges().map(({ path, type }) => `${type} ${path}`)).toEqual([]);
  });
});

function mistakesIn(path: string, text: string): string[] {
  const { diagnostics = [] } = ts.transpileModule(text, { fileName: path, reportDiagnostics: true, compilerOptions: { target: ts.ScriptTarget.ES2022, experimentalDecorators: true } });
  return diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

describe('two services', () => {
  it('stand side by side, and the first one goes alone', () => {
    service(tree, { name: 'invoices', ...everything });
    const alone = filesOf(tree);
    service(tree, options);
    removeService(tree, { name: options.name });
    expect(filesOf(tree)).toEqual(alone);
    service(tree, options);
    removeService(tree, { name: 'invoices' });
    expect([...filesOf(tree).values()].filter((text) => text.includes('nvoice'))).toEqual([]);
  });
});

describe("PgBouncer's share in production", () => {
  const production = 'k8s/overlays/production/kustomization.yaml';
  const poolSize = () => Number(/pgbouncer-default-pool-size=(\d+)/.exec(tree.read(production, 'utf8') ?? '')?.[1]);
  const replace = (from: RegExp, to: string) => tree.write(production, (tree.read(production, 'utf8') ?? '').replace(from, to));
  const names = Array.from({ length: 6 }, (_, index) => `invoices-${String.fromCharCode(97 + index)}`);

  it('is smaller for each when there are more services, and as it was when they go', () => {
    const before = serviceNames(tree).filter((name) => packageOf(tree, name).tenfold.database !== undefined).length;
    const sizes = names.map((name) => {
      service(tree, { name });
      return poolSize();
    });
    // Of 160 connections 137 are theirs, by two PgBouncers, for the services that are here and these, and at most 10 for each.
    expect(sizes).toEqual(names.map((_, index) => Math.min(10, Math.floor(137 / (2 * (before + index + 1))))));
    expect(sizes.at(-1)).toBeLessThan(10);
    for (const name of names) removeService(tree, { name });
    expect(tree.listChanges()).toEqual([]);
  });

  it('stays as somebody chose it, while there is room', () => {
    replace(/pool-size=10/, 'pool-size=4');
    for (const name of names) service(tree, { name });
    expect(poolSize()).toBe(4);
    removeService(tree, { name: 'invoices-b' });
    expect(poolSize()).toBe(4);
  });

  it('does not change for a larger server, or a service without a database', () => {
    service(tree, { name: 'pricing', database: false });
    expect(tree.listChanges().map(({ path }) => path)).not.toContain(production);
    replace(/max-connections=160/, 'max-connections=400');
    for (const name of names) service(tree, { name });
    expect(poolSize()).toBe(10);
  });
});

describe('what is refused', () => {
  it.each([
    ['no name', { name: '' }, 'bad-name', /lower-case words/],
    ['a name in capitals', { name: 'Payments' }, 'bad-name', /such as billing-plans/],
    ['a path', { name: '../payments' }, 'bad-name', /lower-case words/],
    ['a name of the cluster', { name: 'kafka' }, 'bad-name', /something else called kafka/],
    ['a service that is there', { name: 'catalog' }, 'taken-name', /apps\/catalog is there already/],
    ['a folder of the gateway', { name: 'limits', http: true }, 'taken-name', /apps\/gateway\/src\/limits is there/],
    ['an export of the contracts', { name: 'shelves', entity: 'account' }, 'taken-name', /exports newAccount from .*accounts.contract.ts.*--entity/],
    ['a word of the language', { name: 'returns' }, 'taken-name', /"return" means something else/],
    ['HTTP without calls', { name: 'payments', calls: false, jobs: true, http: true }, 'bad-options', /--http needs --calls/],
    ['jobs without a database', { name: 'payments', jobs: true, database: false }, 'bad-options', /--jobs needs --database/],
    ['a cache without a database', { name: 'payments', cache: true, database: false }, 'bad-options', /--cache needs/],
    ['a service that does nothing', { name: 'payments', calls: false }, 'bad-options', /does nothing/],
  ] as const)('%s, before anything is written', (_what, wrong, code, message) => {
    expect(() => service(tree, wrong)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) as string }) as Error);
    expect(tree.listChanges()).toEqual([]);
  });

  it('other options for a service that is there', () => {
    service(tree, options);
    expect(() => service(tree, { ...options, cache: false })).toThrow(/with other options.*remove-service billing-plans/);
  });

  it('to take out what is not there, or was written by hand', () => {
    expect(() => removeService(tree, { name: 'nothing' })).toThrow(/no apps\/nothing/);
    expect(() => removeService(tree, { name: 'catalog' })).toThrow(/written by hand/);
    expect(tree.listChanges()).toEqual([]);
  });

  it('to take out what others call', () => {
    service(tree, options);
    const manifest = 'apps/orders/package.json';
    tree.write(manifest, (tree.read(manifest, 'utf8') ?? '').replace('"inventory"', '"inventory", "billing-plans"'));
    expect(() => removeService(tree, { name: 'billing-plans' })).toThrow(/orders call billing-plans/);
    expect(tree.exists('apps/billing-plans')).toBe(true);
  });
});
