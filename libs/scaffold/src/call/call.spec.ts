import { fileURLToPath } from 'node:url';
import { FsTree } from 'nx/src/generators/tree.js';
import { beforeEach, describe, expect, it } from 'vitest';
import entity from '../entity/entity.generator.ts';
import removeService from '../remove-service/remove-service.generator.ts';
import service from '../service/service.generator.ts';
import call from './call.generator.ts';

let tree: FsTree;

beforeEach(() => {
  tree = new FsTree(fileURLToPath(new URL('../../../..', import.meta.url)), false);
  service(tree, { name: 'deliveries', jobs: true });
  service(tree, { name: 'pricing', database: false });
  service(tree, { name: 'invoices', calls: false, jobs: true });
});

const read = (path: string) => tree.read(path, 'utf8') ?? '';
const changes = () => new Map(tree.listChanges().map(({ path, content }) => [path, content?.toString()]));

describe('one more call', () => {
  beforeEach(() => {
    entity(tree, { service: 'deliveries', name: 'parcel' });
    call(tree, { service: 'deliveries', name: 'track-delivery' });
    call(tree, { service: 'deliveries', name: 'track-parcel', entity: 'parcel' });
    call(tree, { service: 'pricing', name: 'quote-price' });
  });

  it('stands in the contract, behind those that were there', () => {
    const contract = read('libs/contracts/src/deliveries.contract.ts');
    expect([...contract.matchAll(/^ {2}(\w+): \{/gm)].map(([, name]) => name).slice(-2)).toEqual(['trackDelivery', 'trackParcel']);
    expect(contract).toContain("trackParcel: { request: z.strictObject({ accountId: uuid, id: uuid }), response: parcel, errors: ['not-found'], idempotent: true, statements: 1 },\n});");
    expect(read('libs/contracts/src/pricing.contract.ts')).toContain('quotePrice: { request: z.strictObject({}), ');
  });

  it('is answered beside what it is about', () => {
    expect(read('apps/deliveries/src/deliveries.module.ts')).toContain('controllers: [DeliveryHandler, ParcelHandler, TrackDeliveryHandler, TrackParcelHandler]');
    expect(read('apps/deliveries/src/parcel/track-parcel.handler.ts')).toContain('Promise<Parcel>');
    expect(read('apps/pricing/src/pricing.module.ts')).toContain('controllers: [ReplicaHandler, QuotePriceHandler]');
    expect(read('apps/pricing/src/quote-price/quote-price.handler.ts')).toContain('@Answers(quotePrice)');
  });

  it('is added once', () => {
    const before = changes();
    expect(call(tree, { service: 'deliveries', name: 'track-parcel', entity: 'parcel' })).toBeUndefined();
    expect(call(tree, { service: 'pricing', name: 'quote-price' })).toBeUndefined();
    expect(changes()).toEqual(before);
  });

  it('keeps what was written by hand', () => {
    const handler = 'apps/deliveries/src/parcel/track-parcel.handler.ts';
    tree.write(handler, '// Mine.\n');
    call(tree, { service: 'deliveries', name: 'track-parcel', entity: 'parcel' });
    expect(read(handler)).toBe('// Mine.\n');
  });

  it('goes with its service', () => {
    for (const name of ['deliveries', 'pricing', 'invoices']) removeService(tree, { name });
    expect(tree.listChanges()).toEqual([]);
  });
});

it.each([
  [{ service: 'catalog', name: 'track-delivery' }, 'unknown-service', /no service catalog that scaffold:service made/],
  [{ service: 'invoices', name: 'track-delivery' }, 'bad-options', /made without calls/],
  [{ service: 'deliveries', name: 'TrackDelivery' }, 'bad-name', /lower-case words/],
  [{ service: 'deliveries', name: 'delete' }, 'taken-name', /"delete" means something else/],
  [{ service: 'deliveries', name: 'value-of' }, 'taken-name', /"valueOf" means something else/],
  [{ service: 'deliveries', name: 'get-delivery' }, 'taken-name', /has a call getDelivery already/],
  [{ service: 'deliveries', name: 'delivery' }, 'taken-name', /delivery.handler.ts is there already/],
  [{ service: 'deliveries', name: 'track-parcel', entity: 'parcel' }, 'unknown-entity', /keeps no parcel. It keeps delivery/],
  [{ service: 'pricing', name: 'quote-price', entity: 'price' }, 'unknown-entity', /keeps no price/],
])('%j is refused, before anything is written', (options, code, message) => {
  const before = changes();
  expect(() => call(tree, options)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) as string }) as Error);
  expect(changes()).toEqual(before);
});
