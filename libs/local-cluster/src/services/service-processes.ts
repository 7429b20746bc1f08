import { join } from 'node:path';
import type { ClusterContext } from '../cluster.context.ts';
import { answers200 } from '../components/mail.component.ts';
import { address } from '../ports.ts';
import type { ServiceDeclaration } from '../service-declaration.ts';
import type { ProcessSpecification } from '../supervised-process.ts';
import { environmentOf } from './service-environment.ts';

/**
 * What a replica's heap may be, and who collects it. More replicas than cores: threads that help a collection compete
 * with the work of others, and the one that waits for them waits long. With these and 4 MiB young, collections took a
 * sixth of a busy replica's CPU; without, the shop took an eighth less for a request (one pair of runs), for 30 MiB more a replica.
 */
const memoryFlags = ['--max-semi-space-size=16', '--max-old-space-size=256', '--initial-old-space-size=96', '--single-threaded-gc'];

/** How replica `number` of a service is run. */
export async function serviceSpecification(context: ClusterContext, declaration: ServiceDeclaration, number: number): Promise<ProcessSpecification> {
  const name = `${declaration.name}-${number}`;
  const ports = await context.ports.ofProcess(name, declaration.ports);
  return {
    name,
    kind: 'service',
    command: process.execPath,
    args: [...memoryFlags, join(context.bundles, declaration.name, 'main.js')],
    environment: await environmentOf(context, declaration, name, ports),
    workingDirectory: context.directory,
    ports,
    isReady: (signal) => answers200(`http://${address}:${ports.operations}/health/ready`, signal),
    keepsProbing: true,
    background: declaration.background,
    // Drain delay, requests in flight, and the default grace of HTTP keep-alive; `down` may not take longer than 10 s.
    stopWithinMs: 5_000,
  };
}

/** A replica's name taken apart: `catalog-2` is the second of `catalog`. */
export function replicaOf(name: string): { service: string; number: number } | undefined {
  const [, service, number] = /^(.+)-(\d+)$/.exec(name) ?? [];
  return service === undefined ? undefined : { service, number: Number(number) };
}
