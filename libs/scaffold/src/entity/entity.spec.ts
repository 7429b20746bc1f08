import { fileURLToPath } from 'node:url';
import { FsTree } from 'nx/src/generators/tree.js';
import { beforeEach, describe, expect, it } from 'vitest';
import removeService from '../remove-service/remove-service.generator.ts';
import service from '../service/service.generator.ts';
import entity from './entity.generator.ts';

let tree: FsTree;

beforeEach(() => {
  tree = new FsTree(fileURLToPath(new URL('../../../..', import.meta.url)), false);
  service(tree, { name: 'deliveries', http: true, jobs: true, cache: true });
});

const read = (path: string) => tree.read(path, 'utf8') ?? '';
const changes = () => new Map(tree.listChanges().map(({ path, content }) => [path, content?.toString()]));

describe('one more entity', () => {
  beforeEach(() => {
    entity(tree, { service: 'deliveries', name: 'parcel-label' });
  });

  it('has its calls in the contract, behind those that were there', () => {
    const contract = read('libs/contracts/src/deliveries.contract.ts');
    expect([...contract.matchAll(/^ {2}(\w+): \{/gm)].map(([, call]) => call)).toEqual([
      'createDelivery',
      'getDelivery',
      'listDeliveries',
      'createParcelLabel',
      'getParcelLabel',
      'listParcelLabels',
    ]);
    expect(contract.indexOf('export const parcelLabel =')).toBeLessThan(contract.indexOf('export const deliveriesCalls'));
    expect(read('libs/contracts/src/index.ts')).toContain(
      "export { deliveriesCalls, delivery, newDelivery, newParcelLabel, parcelLabel, processDelivery } from './deliveries.contract.ts';\nexport type { Delivery, ParcelLabel } from './deliveries.contract.ts';",
    );
  });

  it('has its places in the service and the gateway', () => {
    const module = read('apps/deliveries/src/deliveries.module.ts');
    expect(module).toContain('controllers: [DeliveryHandler, ParcelLabelHandler]');
    expect(module).toContain('entities: [DeliveryEntity, ParcelLabelEntity]');
    expect(module).toContain('DeliveryRepository, DeliveryCache, DeliveryJob, ParcelLabelRepository]');
    expect(read('apps/deliveries/src/migrations/index.ts')).toMatch(/CreateDeliveries1764000000000, CreateParcelLabels\d{13}\];/);
    expect(read('apps/deliveries/src/entities.spec.ts')).toContain('[DeliveryEntity, ParcelLabelEntity]');
    expect(read('apps/gateway/src/deliveries/deliveries.module.ts')).toContain('controllers: [DeliveryController, ParcelLabelController]');
    expect(read('apps/gateway/src/deliveries/parcel-label.controller.ts')).toContain("@Controller('v1/parcel-labels')");
  });

  it('is added once', () => {
    const before = changes();
    expect(entity(tree, { service: 'deliveries', name: 'parcel-label' })).toBeUndefined();
    expect(entity(tree, { service: 'deliveries', name: 'delivery' })).toBeUndefined();
    expect(changes()).toEqual(before);
  });

  it('goes with its service', () => {
    removeService(tree, { name: 'deliveries' });
    expect(tree.listChanges()).toEqual([]);
  });
});

it.each([
  [{ service: 'catalog', name: 'parcel' }, /no service catalog that scaffold:service made/],
  [{ service: 'deliveries', name: 'Parcel' }, /lower-case words/],
  [{ service: 'deliveries', name: 'account' }, /exports newAccount/],
  [{ service: 'deliveries', name: 'session' }, /routes under \/v1\/sessions/],
  [{ service: 'deliveries', name: 'column' }, /means something else/],
])('%j is refused, before anything is written', (options, message) => {
  const before = changes();
  expect(() => entity(tree, options)).toThrow(message);
  expect(changes()).toEqual(before);
});
