import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ClusterError } from './cluster.error.ts';

const portKinds = ['operations', 'calls', 'http'] as const;
const databaseKinds = ['single', 'sharded'] as const;
const resources = ['session-redis', 'cache-redis', 'kafka', 'mail', 'objects'] as const;

export type PortKind = (typeof portKinds)[number];

/** The `tenfold` field of a service's package.json. */
export interface ServiceDeclaration {
  name: string;
  ports: PortKind[];
  database?: (typeof databaseKinds)[number];
  uses: (typeof resources)[number][];
  calls: string[];
  /** Whether it does what nobody waits for, and yields the processor to the others. Default false. */
  background: boolean;
}

/**
 * Reads which services a checkout has: each folder of `apps/` whose package.json has a `tenfold` field, in alphabetical order.
 *
 * @throws ClusterError `bad-option` naming the field that has no meaning
 */
export function readDeclarations(appsDirectory: string): ServiceDeclaration[] {
  if (!existsSync(appsDirectory)) return [];
  const declarations: ServiceDeclaration[] = [];
  for (const name of readdirSync(appsDirectory).sort()) {
    const file = join(appsDirectory, name, 'package.json');
    if (!existsSync(file)) continue;
    const declared = (JSON.parse(readFileSync(file, 'utf8')) as { tenfold?: Partial<ServiceDeclaration> }).tenfold;
    if (!declared) continue;
    const { ports = ['operations'], uses = [], calls = [], database, background = false } = declared;
    requireKnown(file, 'ports', ports, portKinds);
    requireKnown(file, 'uses', uses, resources);
    requireKnown(file, 'background', [background], [true, false]);
    if (database !== undefined) requireKnown(file, 'database', [database], databaseKinds);
    declarations.push({ name, ports, uses, calls, background, ...(database === undefined ? {} : { database }) });
  }
  for (const { name, calls } of declarations) {
    const names = declarations.map((declaration) => declaration.name);
    requireKnown(join(appsDirectory, name, 'package.json'), 'calls', calls, names);
  }
  return declarations;
}

function requireKnown<Value>(file: string, field: string, values: readonly Value[], known: readonly Value[]): void {
  for (const value of values) {
    if (!known.includes(value)) throw new ClusterError('bad-option', `${file}: tenfold.${field} has "${value}", known are ${known.join(', ')}`);
  }
}
