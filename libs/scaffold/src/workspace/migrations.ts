import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tree } from '@nx/devkit';
import { flushChanges, FsTree } from 'nx/src/generators/tree.js';
import { readOrigin, writeOrigin } from './origin.ts';

export interface Migration {
  name: string;
  /** Of the libraries that it leads to. */
  version: string;
  description: string;
  /** Relative to `libs/scaffold`. */
  implementation: string;
}

/** The migrations that a workspace's own generators bring, as Nx lists them in `migrations.json`. */
export function migrationsOf(root: string): Migration[] {
  const { generators } = JSON.parse(readFileSync(join(root, 'libs/scaffold/migrations.json'), 'utf8')) as { generators: Record<string, Omit<Migration, 'name'>> };
  return Object.entries(generators).map(([name, migration]) => ({ name, ...migration }));
}

/** Runs those that have not run yet, each whole, and notes each in `template.json`. */
export async function runMigrations(root: string, onProgress: (line: string) => void): Promise<void> {
  const done = new Set(readOrigin(root).migrations);
  for (const { name, description, implementation } of migrationsOf(root)) {
    if (done.has(name)) continue;
    const tree = new FsTree(root, false);
    const { default: migrate } = (await import(join(root, 'libs/scaffold', implementation))) as { default: (tree: Tree) => void | Promise<void> };
    await migrate(tree);
    flushChanges(root, tree.listChanges());
    const origin = readOrigin(root);
    writeOrigin(root, { ...origin, migrations: [...origin.migrations, name] });
    onProgress(`${name}: ${description} (${tree.listChanges().length} files changed)`);
  }
}
