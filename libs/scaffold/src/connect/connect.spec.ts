import { fileURLToPath } from 'node:url';
import { FsTree } from 'nx/src/generators/tree.js';
import { beforeEach, describe, expect, it } from 'vitest';
import removeService from '../remove-service/remove-service.generator.ts';
import service from '../service/service.generator.ts';
import connect from './connect.generator.ts';

let tree: FsTree;

beforeEach(() => {
  tree = new FsTree(fileURLToPath(new URL('../../../..', import.meta.url)), false);
});

const read = (path: string) => tree.read(path, 'utf8') ?? '';
const changes = () => new Map(tree.listChanges().map(({ path, content }) => [path, content?.toString()]));

describe('a service that is connected to another', () => {
  beforeEach(() => {
    service(tree, { name: 'invoices', calls: false, jobs: true });
    service(tree, { name: 'pricing', database: false });
    connect(tree, { from: 'invoices', to: 'pricing' });
  });

  it('has a client, and the settings for it', () => {
    expect(read('apps/invoices/src/invoices.module.ts')).toContain(
      'CallsModule.register({ contract: pricingCalls, addresses: config.CALL_ADDRESSES_PRICING, secret: config.CALLS_SECRET, tlsDirectory: config.CALLS_TLS_DIRECTORY }),\n',
    );
    expect(read('apps/invoices/src/invoices.module.ts')).toContain("import { CallsModule } from '@tenfold/rpc';\n");
    expect(read('apps/invoices/src/invoices.settings.ts')).toContain("  ...callAddresses('pricing'),\n};");
    expect(JSON.parse(read('apps/invoices/package.json'))).toMatchObject({ tenfold: { calls: ['pricing'] }, dependencies: { '@tenfold/rpc': '*' } });
  });

  it('is let through both network policies', () => {
    expect(read('k8s/base/invoices/callees.yaml')).toContain('value: [pricing]');
    expect(read('k8s/base/pricing/callers.yaml')).toContain('/matchExpressions/0/values\n  value: [invoices]');
    expect(read('k8s/base/invoices/kustomization.yaml')).toContain('      - CALL_ADDRESSES_PRICING=dns:pricing:7000\n');
  });

  it('is connected once', () => {
    const before = changes();
    expect(connect(tree, { from: 'invoices', to: 'pricing' })).toBeUndefined();
    expect(changes()).toEqual(before);
  });

  it('takes the connection with it when it goes, and keeps the other one till then', () => {
    expect(() => removeService(tree, { name: 'pricing' })).toThrow(/invoices call pricing/);
    removeService(tree, { name: 'invoices' });
    removeService(tree, { name: 'pricing' });
    expect(tree.listChanges()).toEqual([]);
  });

  it('may call services that were written by hand, too', () => {
    connect(tree, { from: 'invoices', to: 'catalog' });
    expect(read('k8s/base/catalog/callers.yaml')).toContain('value: [gateway, invoices, orders]');
    expect(read('apps/invoices/src/invoices.settings.ts')).toContain("...callAddresses('pricing', 'catalog'),");
    removeService(tree, { name: 'invoices' });
    expect(tree.listChanges().some(({ path }) => path.includes('catalog'))).toBe(false);
  });
});

it.each([
  [{ from: 'nothing', to: 'catalog' }, /no apps\/nothing/],
  [{ from: 'catalog', to: 'catalog' }, /need not call itself/],
  [{ from: 'catalog', to: 'gateway' }, /gateway answers no calls/],
])('%j is refused, before anything is written', (options, message) => {
  expect(() => connect(tree, options)).toThrow(message);
  expect(tree.listChanges()).toEqual([]);
});
