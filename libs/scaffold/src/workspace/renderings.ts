import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ScaffoldError } from '../scaffold.error.ts';
import { git } from './git.ts';
import { readOrigin } from './origin.ts';
import type { Origin } from './origin.ts';

/** The workspace as the template made it then, and as it would make it today, each in a folder of its own. */
export interface Renderings {
  base: string;
  today: string;
  /** What today's says of itself. */
  origin: Origin;
  /** Commits of the template between the two. */
  commits: number;
  remove(): void;
}

/**
 * Has the template make the workspace twice, by the parameters that it was made by: each time with the template's own
 * code of that commit, so that nothing here has to know how it did it.
 *
 * @param from a folder or an address of git; default what `template.json` says
 * @throws ScaffoldError `unknown-source` when there is no template to be found
 */
export function render(root: string, from?: string): Renderings {
  const origin = readOrigin(root);
  const source = from === undefined ? origin.repository : existsSync(resolve(from)) ? resolve(from) : from;
  if (source === undefined) throw new ScaffoldError('unknown-source', `template.json names no repository: say where a clone of ${origin.template} is, by --template PATH.`);
  const scratch = mkdtempSync(join(tmpdir(), 'template-'));
  const remove = () => rmSync(scratch, { recursive: true, force: true });
  try {
    const clone = join(scratch, 'clone');
    clonedTo(clone, source, origin);
    const today = make(root, clone, join(scratch, 'today'), origin);
    const commits = Number(git(clone, 'rev-list', '--count', `${origin.commit}..HEAD`));
    git(clone, 'checkout', '--quiet', origin.commit);
    const base = make(root, clone, join(scratch, 'base'), origin);
    return { base, today, commits, origin: readOrigin(today), remove };
  } catch (error) {
    remove();
    throw error;
  }
}

function clonedTo(clone: string, source: string, { template, commit }: Origin): void {
  try {
    git('.', 'clone', '--quiet', source, clone);
    git(clone, 'cat-file', '-e', `${commit}^{commit}`);
  } catch (cause) {
    throw new ScaffoldError('unknown-source', `${source} is no repository of ${template} that has commit ${commit}: say another one by --template.\n${String((cause as { stderr?: string }).stderr ?? '')}`);
  }
}

function make(root: string, clone: string, folder: string, { parameters }: Origin): string {
  const { name, scope, keepShop } = parameters;
  const packages = join(clone, 'node_modules');
  // What generators need is here as well, in versions that are near enough.
  if (!existsSync(packages)) {
    symlinkSync(join(root, 'node_modules'), packages);
    git(clone, 'config', 'core.excludesFile', join(clone, '.git/info/exclude-packages'));
    execFileSync('sh', ['-c', 'echo node_modules > .git/info/exclude-packages'], { cwd: clone });
  }
  const args = [folder, '--name', name, '--scope', scope, ...(keepShop ? ['--keep-shop'] : [])];
  execFileSync(process.execPath, [join(clone, 'libs/scaffold/src/workspace/new/new.main.ts'), ...args], { cwd: clone, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  return folder;
}
