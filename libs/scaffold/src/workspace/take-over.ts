import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ScaffoldError } from '../scaffold.error.ts';
import type { Comparison } from './comparison.ts';
import { git } from './git.ts';
import { readOrigin, writeOrigin } from './origin.ts';
import type { Renderings } from './renderings.ts';

/**
 * Brings a workspace to what its template would make today, as a merge of git does: where both sides changed the same
 * lines, their conflict is marked. Migrations run when nothing is left to be resolved, else the next time.
 *
 * @returns the exit code: 1 when conflicts are left
 * @throws ScaffoldError `bad-options` when the workspace has changes that are not committed
 */
export async function takeOver(root: string, { base, today, origin }: Renderings, { takeable, mergeable }: Comparison, say: (line: string) => void): Promise<number> {
  if (git(root, 'status', '--porcelain') !== '') throw new ScaffoldError('bad-options', '\nThis workspace has changes that are not committed: commit or stash them first.');
  for (const path of takeable) take(path, today, root);
  const conflicts = mergeable.filter((path) => !merge(path, { root, base, today }));
  writeOrigin(root, { ...origin, migrations: readOrigin(root).migrations });
  if (conflicts.length > 0) {
    say(`\nto be resolved by hand: ${conflicts.length}\n${conflicts.map((path) => `  ${path}`).join('\n')}\nThen commit, and run this again for the migrations.`);
    return 1;
  }
  // In a process of its own: what it runs was taken over a moment ago.
  const run = `import { runMigrations } from ${JSON.stringify(join(root, 'libs/scaffold/src/workspace/migrations.ts'))}; await runMigrations(${JSON.stringify(root)}, console.log);`;
  const { status } = spawnSync(process.execPath, ['--input-type=module', '--eval', run], { cwd: root, stdio: 'inherit' });
  say(`\nAll of it is here, uncommitted. Next: npm test`);
  return status ?? 1;
}

function take(path: string, today: string, root: string): void {
  const [from, to] = [join(today, path), join(root, path)];
  if (!existsSync(from)) {
    rmSync(to, { force: true });
    return;
  }
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to);
}

/** @returns whether it went without a conflict; one that has gone from either side is one, and stays as it is here */
function merge(path: string, { root, base, today }: { root: string; base: string; today: string }): boolean {
  const versions = [root, base, today].map((folder) => join(folder, path));
  if (!versions.every((file) => existsSync(file))) return false;
  const labels = ['here', 'as it was made', 'template'].flatMap((label) => ['-L', label]);
  const { status, stdout } = spawnSync('git', ['merge-file', '-p', ...labels, ...versions], { encoding: 'utf8', maxBuffer: 100_000_000 });
  if (status === null || status < 0 || status > 127) return false;
  writeFileSync(join(root, path), stdout);
  return status === 0;
}
