import type { Tree } from '@nx/devkit';
import { editJson, withEntry, withoutEntry } from '../edits/json.edit.ts';
import type { ServicePackage } from '../workspace.ts';
import { featuresOf } from './service.plan.ts';
import type { ServicePlan } from './service.plan.ts';

interface Lockfile {
  packages: Record<string, object>;
}

interface TypeScriptConfig {
  references: { path: string }[];
}

/** The libraries of ours that a service imports. */
function librariesOf({ calls, database, jobs, cache }: ServicePlan): string[] {
  return [
    ...(cache ? ['cache'] : []),
    'contracts',
    ...(database ? ['database'] : []),
    ...(jobs ? ['jobs'] : []),
    ...(calls ? ['rpc'] : []),
    'service',
    ...(database ? ['telemetry'] : []),
  ];
}

export function packageFor(plan: ServicePlan): ServicePackage {
  const { service, workspace, calls, database, jobs, cache } = plan;
  const { scope, versions } = workspace;
  const packages = ['@nestjs/common', '@nestjs/core', 'reflect-metadata', 'rxjs', ...(database ? ['typeorm'] : []), ...(database && calls ? ['zod'] : [])];
  const dependencies = [
    ...packages.map((name): [string, string] => [name, versions[name] ?? '*']),
    ...librariesOf(plan).map((name): [string, string] => [`${scope}/${name}`, '*']),
  ];
  return {
    name: `${scope}/${service.kebab}`,
    version: '0.1.0',
    private: true,
    type: 'module',
    nx: {
      tags: ['layer:app'],
      metadata: { scaffold: { entity: plan.entity.kebab, features: featuresOf(plan) } },
      targets: { build: {}, typecheck: {}, test: {} },
    },
    tenfold: {
      ports: ['operations', ...(calls ? ['calls'] : [])],
      ...(database && { database: 'single' }),
      uses: [...(cache ? ['cache-redis'] : []), ...(jobs ? ['kafka'] : [])],
      calls: [],
    },
    dependencies: Object.fromEntries(dependencies.sort(([one], [other]) => (one < other ? -1 : 1))),
  } as ServicePackage;
}

/** The package, its TypeScript project, and their places in lockfile and build. */
export function addPackage(tree: Tree, plan: ServicePlan): void {
  const { service } = plan;
  const manifest = packageFor(plan);
  const folder = `apps/${service.kebab}`;
  const config = {
    extends: '../../tsconfig.base.json',
    compilerOptions: { rootDir: 'src', outDir: 'out-tsc' },
    include: ['src'],
    references: [...librariesOf(plan), 'local-cluster'].map((name) => ({ path: `../../libs/${name}` })),
  };
  tree.write(`${folder}/package.json`, `${JSON.stringify(manifest, undefined, 2)}\n`);
  tree.write(`${folder}/tsconfig.json`, `${JSON.stringify(config, undefined, 2)}\n`);
  editJson<TypeScriptConfig>(tree, 'tsconfig.json', (root) => {
    const at = root.references.findIndex(({ path }) => path > folder);
    root.references.splice(at < 0 ? root.references.length : at, 0, { path: folder });
  });
  // As npm itself would write it, so that nothing has to be asked of a registry.
  editJson<Lockfile>(tree, 'package-lock.json', (lock) => {
    const { name, version, dependencies } = manifest;
    lock.packages = withEntry(withEntry(lock.packages, folder, { name, version, dependencies }), `node_modules/${name}`, { resolved: folder, link: true });
  });
}

/** Lets a service import one more of our libraries, if it does not yet. */
export function addLibrary(tree: Tree, service: string, scope: string, library: string): void {
  const folder = `apps/${service}`;
  const name = `${scope}/${library}`;
  const sorted = (dependencies: Record<string, string>) => Object.fromEntries(Object.entries({ ...dependencies, [name]: '*' }).sort(([one], [other]) => (one < other ? -1 : 1)));
  editJson<ServicePackage>(tree, `${folder}/package.json`, (manifest) => {
    if (!(name in manifest.dependencies)) manifest.dependencies = sorted(manifest.dependencies);
  });
  editJson<{ packages: Record<string, { dependencies: Record<string, string> }> }>(tree, 'package-lock.json', ({ packages }) => {
    const entry = packages[folder];
    if (entry && !(name in entry.dependencies)) entry.dependencies = sorted(entry.dependencies);
  });
  editJson<TypeScriptConfig>(tree, `${folder}/tsconfig.json`, ({ references }) => {
    const path = `../../libs/${library}`;
    if (references.some((reference) => reference.path === path)) return;
    const at = references.findIndex((reference) => reference.path > path);
    references.splice(at < 0 ? references.length : at, 0, { path });
  });
}

export function removePackage(tree: Tree, service: string, packageName: string): void {
  const folder = `apps/${service}`;
  editJson<TypeScriptConfig>(tree, 'tsconfig.json', (root) => {
    root.references = root.references.filter(({ path }) => path !== folder);
  });
  editJson<Lockfile>(tree, 'package-lock.json', (lock) => {
    lock.packages = withoutEntry(withoutEntry(lock.packages, folder), `node_modules/${packageName}`);
  });
  tree.delete(folder);
}
