import { join } from 'node:path';
import { loadPackageDefinition } from '@grpc/grpc-js';
import type { ServiceClientConstructor } from '@grpc/grpc-js';
import { load } from '@grpc/proto-loader';

/** The service of `order.proto`. Bundles lie in `.tenfold/bench/<name>/`, the description does not. */
export async function benchService(): Promise<ServiceClientConstructor> {
  const file = join(process.cwd(), 'benchmarks/src/calls/order.proto');
  const { bench } = loadPackageDefinition(await load(file, { enums: String, defaults: true })) as unknown as { bench: { Bench: ServiceClientConstructor } };
  return bench.Bench;
}
