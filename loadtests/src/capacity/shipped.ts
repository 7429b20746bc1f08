import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { allMessages } from '@tenfold/contracts';
import { poolEntries, poolSize, readDeclarations } from '@tenfold/local-cluster';
import type { Shipped } from './scaling-plan.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Cores of one server of data. */
const SERVER_CORES = 8;

const numberIn = (file: string, pattern: RegExp): number => {
  const found = pattern.exec(readFileSync(join(root, file), 'utf8'))?.[1];
  if (found === undefined) throw new Error(`${file} has nothing like ${pattern.source}`);
  return Number(found);
};

/** Reads from manifests, contracts and configuration what the shop has room for. */
export function readShipped(): Shipped {
  const consumers = 'worker';
  return {
    services: readDeclarations(join(root, 'apps')).map(({ name, database }) => ({
      name,
      nodes: database ? poolEntries(name, database).reduce((sum, { replicas }) => sum + 1 + replicas.length, 0) : 0,
      maxReplicas: numberIn(`k8s/base/${name}/autoscaler.yaml`, /maxReplicas: (\d+)/),
      partitions: name === consumers ? Math.max(...allMessages.map(({ partitions }) => partitions)) : undefined,
    })),
    targetCores: numberIn('k8s/components/service/autoscaler.yaml', /averageValue: (\d+)m/) / 1000,
    // The pool, and one that watches.
    connectionsPerNode: poolSize + 1,
    pgbouncerClients: numberIn('infra/pgbouncer/pgbouncer.ini', /max_client_conn = (\d+)/),
    serverCores: SERVER_CORES,
  };
}
