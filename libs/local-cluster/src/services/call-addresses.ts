import { writeAtomically } from '../files.ts';
import { address } from '../ports.ts';
import type { SupervisedProcess } from '../supervised-process.ts';
import { addressFile } from './service-environment.ts';
import { replicaOf } from './service-processes.ts';

/** Writes which replicas of a service answer calls now, for the callers that read it by `CALL_ADDRESSES_<SERVICE>=file:…`. */
export function writeCallAddresses(directory: string, service: string, processes: Iterable<SupervisedProcess>): void {
  const lines: string[] = [];
  for (const { name, serving, specification } of processes) {
    const port = specification.ports['calls'];
    if (serving && port !== undefined && specification.kind === 'service' && replicaOf(name)?.service === service) lines.push(`${address}:${port}\n`);
  }
  writeAtomically(addressFile(directory, service), lines.join(''));
}
