import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Message } from '@tenfold/contracts';
import { readDeclarations } from '@tenfold/local-cluster';
import type { ServiceFacts } from './arithmetic.ts';
import { root } from './manifests.ts';

const sources = (pattern: string) =>
  globSync(pattern, { cwd: root })
    .filter((file) => !/\.(spec|fixture)\.ts$/.test(file))
    .map((file) => readFileSync(join(root, file), 'utf8'))
    .join('\n');

const all = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, found = '']) => found);

/** What `<name>.messages.ts` lists is what a service consumes. */
async function consumedBy(service: string): Promise<Message[]> {
  const [file] = globSync(`apps/${service}/src/${service}.messages.ts`, { cwd: root });
  if (file === undefined) return [];
  const exported = (await import(join(root, file))) as Record<string, unknown>;
  return Object.values(exported).flatMap((value) => (Array.isArray(value) ? (value as Message[]) : []));
}

/** Reads from the sources what the manifests must agree with. */
export async function readServiceFacts(): Promise<ServiceFacts> {
  const declarations = readDeclarations(join(root, 'apps'));
  const partitions = new Map<string, number[]>();
  const metrics = new Map<string, Set<string>>();
  const named = /\bname: '([a-z]+(?:_[a-z0-9]+)+)'/g;
  const ofLibraries = all(sources('libs/*/src/**/*.ts'), named);
  for (const { name } of declarations) {
    partitions.set(name, (await consumedBy(name)).map((message) => message.partitions));
    metrics.set(name, new Set([...ofLibraries, ...all(sources(`apps/${name}/src/**/*.ts`), named)]));
  }
  const pool = /poolSize: options\.poolSize \?\? (\d+)/.exec(sources('libs/database/src/database.options.ts'))?.[1];
  const request = /HTTP_REQUEST_TIMEOUT_MS: .*\.default\(([\d_]+)\)/.exec(sources('apps/gateway/src/gateway.settings.ts'))?.[1] ?? '15000';
  return {
    declarations,
    connectionsPerNode: Number(pool) + 1,
    partitionsOf: (service) => partitions.get(service) ?? [],
    metricsOf: (service) => metrics.get(service) ?? new Set(),
    operationsPaths: new Set(all(sources('libs/service/src/operations.controller.ts'), /@Get\('([^']+)'\)/g).map((path) => `/${path}`)),
    longestRequestMs: Number(request.replaceAll('_', '')),
  };
}
