import { FsTree } from 'nx/src/generators/tree.js';
import { beforeEach, expect, it } from 'vitest';
import clientsTakeCertificates from './clients-take-certificates.ts';

/** As `scaffold:service payments --http` wrote it before. */
const published = `@Module({ controllers: [PaymentController] })
export class PaymentsModule {
  static register({ CALL_ADDRESSES_PAYMENTS: addresses, CALLS_SECRET: secret }: GatewayConfig): DynamicModule {
    return { module: PaymentsModule, imports: [CallsModule.register({ contract: paymentsCalls, addresses, secret })] };
  }
}
`;

/** As `scaffold:connect payments catalog` wrote it before. */
const connected = `      imports: [
        CallsModule.register({ contract: catalogCalls, addresses: config.CALL_ADDRESSES_CATALOG, secret: config.CALLS_SECRET }),
      ],
`;

/** As people write it. */
const byHand = '        CallsModule.register({ contract: accountsCalls, addresses: config.CALL_ADDRESSES_ACCOUNTS, ...security }),\n';

const paths = { published: 'apps/gateway/src/payments/payments.module.ts', connected: 'apps/payments/src/payments.module.ts', byHand: 'apps/worker/src/worker.module.ts' };

let tree: FsTree;
const read = (path: string) => tree.read(path, 'utf8');

beforeEach(() => {
  tree = new FsTree('/nowhere', false);
  tree.write(paths.published, published);
  tree.write(paths.connected, connected);
  tree.write(paths.byHand, byHand);
  clientsTakeCertificates(tree);
});

it('gives the directory to a client of the gateway', () => {
  expect(read(paths.published)).toBe(
    published.replace('CALLS_SECRET: secret }', 'CALLS_SECRET: secret, CALLS_TLS_DIRECTORY: tlsDirectory }').replace('addresses, secret })', 'addresses, secret, tlsDirectory })'),
  );
});

it('gives the directory to a client of another service', () => {
  expect(read(paths.connected)).toBe(connected.replace('secret: config.CALLS_SECRET }', 'secret: config.CALLS_SECRET, tlsDirectory: config.CALLS_TLS_DIRECTORY }'));
});

it('leaves alone what has it', () => {
  expect(read(paths.byHand)).toBe(byHand);
});

it('changes nothing when it runs again', () => {
  const once = [read(paths.published), read(paths.connected)];
  clientsTakeCertificates(tree);
  expect([read(paths.published), read(paths.connected)]).toEqual(once);
});
