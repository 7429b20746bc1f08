import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { namePattern } from '../../names.ts';
import { ScaffoldError } from '../../scaffold.error.ts';
import type { Parameters } from '../origin.ts';
import { template } from './renaming.ts';

export const usage = `Usage: npm run new -- FOLDER [options]

Makes a git repository in FOLDER from this workspace, as it was committed last: without the sample shop, with one
service that works.

  --scope @NAME   of its packages (default: @ and the name)
  --name NAME     what it, its images, namespace and variables are called (default: the folder's name)
  --keep-shop     with the sample shop, and without that one service
`;

export interface NewOptions {
  /** Absolute path. */
  folder: string;
  parameters: Parameters;
}

const longest = 30;

/** Keys of `package.json` and folders that begin with a dot, which a workspace of that name would take for its own. */
const reserved = ['name', 'version', 'private', 'license', 'description', 'type', 'workspaces', 'engines', 'scripts', 'exports', 'imports', 'main', 'files', 'bin', 'config', 'dependencies', 'overrides', 'generators', 'nx', 'git', 'github', 'ci', 'npm', 'cache', 'node', 'k6'];

/**
 * Reads the command line and refuses what cannot be made.
 *
 * @param directory from which a relative folder counts
 * @param root of the template
 * @param scopesTaken those of packages that the template depends on
 * @throws ScaffoldError `bad-options`, `bad-name`, `taken-name`
 */
export function readNewOptions(args: readonly string[], { directory, root, scopesTaken }: { directory: string; root: string; scopesTaken: readonly string[] }): NewOptions {
  const { values, positionals } = parsed(args);
  const [path, ...others] = positionals;
  if (path === undefined || others.length > 0) throw new ScaffoldError('bad-options', `Say one folder for the new workspace, not ${positionals.length}: npm run new -- ../acme --scope @acme`);
  const folder = resolve(directory, path);
  const name = values.name ?? basename(folder);
  const scope = values.scope ?? `@${name}`;
  refuseFolder(folder, root);
  refuseName(name);
  if (!scope.startsWith('@') || !namePattern.test(scope.slice(1)) || scope.length > longest) {
    throw new ScaffoldError('bad-name', `"${scope}" is no scope of packages: say @ and lower-case words with dashes between, at most ${longest} characters, e.g. --scope @acme.`);
  }
  if (scopesTaken.includes(scope)) throw new ScaffoldError('taken-name', `Packages of ${scope} are among those that this workspace depends on: choose another --scope.`);
  return { folder, parameters: { name, scope, keepShop: values['keep-shop'] } };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { scope: { type: 'string' }, name: { type: 'string' }, 'keep-shop': { type: 'boolean', default: false } },
    });
  } catch (error) {
    throw new ScaffoldError('bad-options', `${(error as Error).message}\n\n${usage}`);
  }
}

function refuseFolder(folder: string, root: string): void {
  const fromRoot = relative(root, folder);
  if (!fromRoot.startsWith('..')) throw new ScaffoldError('bad-options', `${folder} is within this workspace: choose a folder beside it, e.g. ../acme.`);
  if (existsSync(folder)) {
    if (!statSync(folder).isDirectory() || readdirSync(folder).length > 0) throw new ScaffoldError('taken-name', `${folder} is there and not empty: choose another folder, or remove that one.`);
  } else if (!existsSync(dirname(folder))) {
    throw new ScaffoldError('bad-options', `${dirname(folder)} is not there: make it first.`);
  }
}

function refuseName(name: string): void {
  if (!namePattern.test(name) || name.length > longest) {
    throw new ScaffoldError('bad-name', `"${name}" is no name for a workspace: say lower-case words with single dashes between, the first beginning with a letter, at most ${longest} characters, by --name.`);
  }
  if (reserved.includes(name) || name.includes(template.name.kebab)) throw new ScaffoldError('taken-name', `"${name}" has a meaning here already: choose another --name.`);
}
