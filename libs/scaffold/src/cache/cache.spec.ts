import { fileURLToPath } from 'node:url';
import { FsTree } from 'nx/src/generators/tree.js';
import { beforeEach, describe, expect, it } from 'vitest';
import entity from '../entity/entity.generator.ts';
import removeService from '../remove-service/remove-service.generator.ts';
import service from '../service/service.generator.ts';
import cache from './cache.generator.ts';

let tree: FsTree;

const fresh = () => new FsTree(fileURLToPath(new URL('../../../..', import.meta.url)), false);

beforeEach(() => {
  tree = fresh();
});

const read = (path: string) => tree.read(path, 'utf8') ?? '';
const changesOf = (of: FsTree) => new Map(of.listChanges().map(({ path, content }) => [path, content?.toString()]));
const changes = () => changesOf(tree);

/** What a service was made with, and what its README says of that, is history. */
const withoutHistory = (of: FsTree) =>
  new Map([...changesOf(of)].filter(([path]) => !path.endsWith('README.md')).map(([path, text]) => [path, path.endsWith('package.json') ? text?.replace(/"features": \[[^\]]*\]/, '') : text]));

it.each([
  ['calls alone', { name: 'deliveries' }],
  ['jobs and routes', { name: 'deliveries', http: true, jobs: true }],
])('a service with %s becomes what it were if it had been made with a cache', (_what, options) => {
  const other = fresh();
  service(other, { ...options, cache: true });
  service(tree, options);
  cache(tree, { service: 'deliveries' });
  expect(withoutHistory(tree)).toEqual(withoutHistory(other));
});

describe('a further entity', () => {
  beforeEach(() => {
    service(tree, { name: 'deliveries', jobs: true });
    entity(tree, { service: 'deliveries', name: 'parcel-label' });
  });

  it('is read through the cache, and forgotten when it is created', () => {
    cache(tree, { service: 'deliveries', name: 'parcel-label' });
    const handler = read('apps/deliveries/src/parcel-label/parcel-label.handler.ts');
    expect(handler).toContain('    private readonly parcelLabels: ParcelLabelRepository,\n    private readonly cache: ParcelLabelCache,\n  ) {}');
    expect(handler).toContain('const found = await this.cache.find(id);');
    expect(handler).toContain('const added = await this.parcelLabels.add({ accountId, id, ...parcelLabel });\n');
    expect(handler).toContain('await this.cache.forget(id);\n    return toParcelLabel(added);');
    expect(read('apps/deliveries/src/parcel-label/parcel-label.cache.spec.ts')).toContain("KAFKA_BROKERS: '127.0.0.1:1'");
    expect(read('apps/deliveries/src/delivery/delivery.handler.ts')).not.toContain('cache');
  });

  it('is put behind it once, and so is the first one beside it', () => {
    cache(tree, { service: 'deliveries', name: 'parcel-label' });
    cache(tree, { service: 'deliveries' });
    const before = changes();
    expect(cache(tree, { service: 'deliveries', name: 'parcel-label' })).toBeUndefined();
    expect(cache(tree, { service: 'deliveries', name: 'delivery' })).toBeUndefined();
    expect(changes()).toEqual(before);
    expect(read('apps/deliveries/src/deliveries.module.ts').match(/CacheModule\.register/g)).toHaveLength(1);
    expect(read('apps/deliveries/src/deliveries.module.ts')).toContain('providers: [DeliveryRepository, DeliveryCache, DeliveryJob, ParcelLabelRepository, ParcelLabelCache]');
  });

  it('keeps what was written by hand', () => {
    const handler = 'apps/deliveries/src/parcel-label/parcel-label.handler.ts';
    tree.write(handler, read(handler).replace('@Controller()', '/** Mine. */\n@Controller()').replace('of this account', 'of yours'));
    cache(tree, { service: 'deliveries', name: 'parcel-label' });
    expect(read(handler)).toContain('/** Mine. */');
    expect(read(handler)).toContain('of yours');
  });

  it('goes with its service', () => {
    cache(tree, { service: 'deliveries', name: 'parcel-label' });
    removeService(tree, { name: 'deliveries' });
    expect(tree.listChanges()).toEqual([]);
  });

  it('is refused, before anything is written, when its handler reads otherwise by now', () => {
    const handler = 'apps/deliveries/src/parcel-label/parcel-label.handler.ts';
    tree.write(handler, read(handler).replace('this.parcelLabels.find(id)', 'this.parcelLabels.findNewest(id)'));
    const before = changes();
    expect(() => cache(tree, { service: 'deliveries', name: 'parcel-label' })).toThrow(/parcel-label.handler.ts: getParcelLabel has nothing like .*by hand/);
    expect(changes()).toEqual(before);
  });

  it.each([
    [{ service: 'catalog' }, /no service catalog that scaffold:service made/],
    [{ service: 'deliveries', name: 'parcel' }, /deliveries keeps no parcel. It keeps delivery, parcel-label/],
  ])('%j is refused, before anything is written', (options, message) => {
    const before = changes();
    expect(() => cache(tree, options)).toThrow(message);
    expect(changes()).toEqual(before);
  });
});

it('is refused to a service that reads nothing', () => {
  service(tree, { name: 'pricing', database: false });
  expect(() => cache(tree, { service: 'pricing' })).toThrow(/without a database; a cache needs both/);
});
