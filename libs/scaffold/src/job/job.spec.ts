import { fileURLToPath } from 'node:url';
import { FsTree } from 'nx/src/generators/tree.js';
import { beforeEach, describe, expect, it } from 'vitest';
import removeService from '../remove-service/remove-service.generator.ts';
import service from '../service/service.generator.ts';
import job from './job.generator.ts';

let tree: FsTree;

beforeEach(() => {
  tree = new FsTree(fileURLToPath(new URL('../../../..', import.meta.url)), false);
  service(tree, { name: 'deliveries', jobs: true });
});

const read = (path: string) => tree.read(path, 'utf8') ?? '';
const changes = () => new Map(tree.listChanges().map(({ path, content }) => [path, content?.toString()]));

describe('one more job of a service', () => {
  beforeEach(() => {
    job(tree, { name: 'announce-delivery', service: 'deliveries' });
  });

  it('is declared in its contract, and one of all messages', () => {
    expect(read('libs/contracts/src/deliveries.contract.ts')).toContain("export const announceDelivery = defineJob({\n  topic: 'deliveries.announce-delivery',");
    expect(read('libs/contracts/src/index.ts')).toContain('export { announceDelivery, deliveriesCalls, delivery, newDelivery, processDelivery } from');
    expect(read('libs/contracts/src/all-messages.ts')).toContain("import { announceDelivery, processDelivery } from './deliveries.contract.ts';");
    expect(read('libs/contracts/src/all-messages.ts')).toMatch(/\bprocessDelivery,\s+announceDelivery,?\s*\];/);
  });

  it('is handled by the service, which keeps what it did', () => {
    expect(read('apps/deliveries/src/deliveries.messages.ts')).toContain('[processDelivery, announceDelivery]');
    expect(read('apps/deliveries/src/deliveries.module.ts')).toContain('providers: [DeliveryRepository, DeliveryJob, AnnounceDeliveryJob]');
    expect(read('apps/deliveries/src/migrations/index.ts')).toMatch(/CreateDeliveries1764000000000, CreateAnnounceDeliveryRuns\d{13}\];/);
    expect(read('apps/deliveries/src/announce-delivery/announce-delivery.job.ts')).toContain('@Handles(announceDelivery)');
  });

  it('is added once, and keeps what was written by hand', () => {
    const handler = 'apps/deliveries/src/announce-delivery/announce-delivery.job.ts';
    tree.write(handler, '// Mine.\n');
    const before = changes();
    expect(job(tree, { name: 'announce-delivery', service: 'deliveries' })).toBeUndefined();
    expect(changes()).toEqual(before);
  });

  it('goes with its service', () => {
    removeService(tree, { name: 'deliveries' });
    expect(tree.listChanges()).toEqual([]);
  });
});

it('is done by worker if nobody is named', () => {
  job(tree, { name: 'tidy-up' });
  expect(read('apps/worker/src/worker.messages.ts')).toMatch(/,\s+tidyUp,?\s*\];/);
  expect(read('apps/worker/src/worker.module.ts')).toMatch(/providers: \[[^\]]*,\s+TidyUpJob,?\s*\]/);
  expect(read('apps/worker/src/migrations/index.ts')).toMatch(/,\n {2}CreateTidyUpRuns\d{13},\n\];/);
  expect(read('libs/contracts/src/worker.contract.ts')).toContain("topic: 'worker.tidy-up'");
});

it.each([
  [{ name: 'tidy-up', service: 'nobody' }, 'unknown-service', /no apps\/nobody. Services that do: deliveries, /],
  [{ name: 'tidy-up', service: 'catalog' }, 'bad-options', /catalog does no jobs. Services that do: deliveries, /],
  [{ name: 'TidyUp', service: 'deliveries' }, 'bad-name', /lower-case words/],
  [{ name: 'delete', service: 'deliveries' }, 'taken-name', /"delete" means something else/],
  [{ name: 'send-receipt' }, 'taken-name', /exports sendReceipt from .*orders.contract.ts/],
  [{ name: 'receipt' }, 'taken-name', /apps\/worker\/src\/receipt is there already/],
  [{ name: 'process-delivery', service: 'deliveries' }, 'taken-name', /exports processDelivery/],
])('%j is refused, before anything is written', (options, code, message) => {
  const before = changes();
  expect(() => job(tree, options)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) as string }) as Error);
  expect(changes()).toEqual(before);
});
