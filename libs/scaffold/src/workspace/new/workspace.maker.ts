import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { flushChanges, FsTree } from 'nx/src/generators/tree.js';
import { rewriteGenerated } from '../../generated-files.ts';
import { spellingsOf } from '../../names.ts';
import { ScaffoldError } from '../../scaffold.error.ts';
import { git } from '../git.ts';
import { linkPackages } from '../linked-packages.ts';
import { migrationsOf } from '../migrations.ts';
import { originFile, writeOrigin } from '../origin.ts';
import type { Origin } from '../origin.ts';
import type { NewOptions } from './new.options.ts';
import { renamed, renamedPath, template, titleOf } from './renaming.ts';
import type { Identity } from './renaming.ts';
import { firstService, replaceShop } from './without-shop.ts';

/** Where the maker of workspaces lies, which workspaces do without. */
const own = ['libs/scaffold/src/workspace/new/', 'docs/new-workspace.md'];

/**
 * Makes a workspace from the template's last commit: all of it or nothing, since it is put together in a folder beside
 * its own and takes its place in one step.
 *
 * @throws ScaffoldError `bad-options` when the template has changes that are not committed
 */
export function makeWorkspace(root: string, { folder, parameters }: NewOptions): void {
  const origin = originOf(root, parameters);
  const identity: Identity = { name: spellingsOf(parameters.name), scope: parameters.scope };
  const scratch = mkdtempSync(join(dirname(folder), '.new-workspace-'));
  try {
    for (const path of committedFiles(root)) copy(root, scratch, path);
    if (!parameters.keepShop) {
      const tree = new FsTree(scratch, false);
      replaceShop(tree);
      flushChanges(scratch, tree.listChanges());
    }
    rename(scratch, identity);
    settle(scratch, origin, identity);
    git(scratch, 'init', '--quiet', '--initial-branch', 'main');
    if (!parameters.keepShop) generate(root, scratch);
    commit(scratch, identity, `${titleOf(identity.name)}, from ${titleOf(template.name)} ${origin.version}`);
    // An empty folder may be there.
    rmSync(folder, { recursive: true, force: true });
    renameSync(scratch, folder);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Only what is committed can be found again by whoever compares a workspace with it. */
function originOf(root: string, parameters: Origin['parameters']): Origin {
  if (git(root, 'status', '--porcelain') !== '') throw new ScaffoldError('bad-options', 'This workspace has changes that are not committed: commit or stash them, since a new one is made from the last commit.');
  const remotes = git(root, 'remote').split('\n');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  return {
    template: template.name.kebab,
    ...(remotes.includes('origin') ? { repository: git(root, 'remote', 'get-url', 'origin') } : {}),
    commit: git(root, 'rev-parse', 'HEAD'),
    version,
    parameters,
    migrations: migrationsOf(root).map(({ name }) => name),
  };
}

function committedFiles(root: string): string[] {
  return git(root, 'ls-files', '-z')
    .split('\0')
    .filter((path) => path !== '' && !own.some((one) => path.startsWith(one)));
}

function copy(root: string, directory: string, path: string): void {
  const target = join(directory, path);
  mkdirSync(dirname(target), { recursive: true });
  // With its mode: some are programs.
  cpSync(join(root, path), target);
}

function rename(directory: string, identity: Identity): void {
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const from = join(entry.parentPath, entry.name);
    const path = relative(directory, from);
    const content = readFileSync(from);
    if (!content.includes(0)) writeFileSync(from, renamed(path, content.toString('utf8'), identity));
    if (renamedPath(path, identity) !== path) renameSync(from, join(directory, renamedPath(path, identity)));
  }
}

/** Writes anew what is made from contracts and rules, by packages that are borrowed from the template. */
function generate(root: string, directory: string): void {
  const exclude = join(directory, '.git/info/exclude');
  writeFileSync(exclude, 'node_modules\n');
  linkPackages(root, directory);
  rewriteGenerated(directory);
  git(directory, 'add', '--all');
  git(directory, 'clean', '-ffdxq');
  rmSync(exclude);
}

/** What a workspace says of itself instead of what the template says. */
function settle(directory: string, origin: Origin, identity: Identity): void {
  writeOrigin(directory, origin);
  change(join(directory, 'package.json'), (text) => text.replace(/^ *"new": .*\n/m, ''));
  const readme = join(directory, 'README.md');
  if (!origin.parameters.keepShop) {
    const text = readFileSync(join(import.meta.dirname, 'files/README.md.template'), 'utf8');
    writeFileSync(readme, text.replaceAll('<%= title %>', titleOf(identity.name)).replaceAll('<%= service %>', firstService));
  }
  for (const page of [readme, join(directory, 'libs/scaffold/README.md')]) change(page, (text) => text.replaceAll(/^.*new-workspace\.md.*\n/gm, ''));
  change(readme, (text) => {
    const lines = text.split('\n');
    const origins = `Made from ${titleOf(template.name)} ${origin.version}; [${originFile}](${originFile}) says from which commit, [docs/updates.md](docs/updates.md) how to take over what it has since.`;
    return lines.toSpliced(1, 0, '', origins).join('\n');
  });
  for (const path of readdirSync(directory, { recursive: true, encoding: 'utf8' })) if (path.endsWith('.md')) change(join(directory, path), (text) => withoutDeadLinks(text, dirname(join(directory, path))));
}

/** Links to pages that have not come along become plain words. */
function withoutDeadLinks(text: string, folder: string): string {
  return text.replaceAll(/\[([^\]\n]+)\]\(([^)\s]+)\)/g, (link, words: string, target: string) => {
    const [path = ''] = target.split('#');
    return path === '' || /^\w+:/.test(path) || existsSync(join(folder, path)) ? link : words;
  });
}

function change(path: string, edit: (text: string) => string): void {
  const before = readFileSync(path, 'utf8');
  const after = edit(before);
  if (after !== before) writeFileSync(path, after);
}

/** In the user's name, where git knows one. */
function commit(directory: string, { name }: Identity, message: string): void {
  git(directory, 'add', '--all');
  const settings = ['-c', 'commit.gpgsign=false', '-c', 'core.hooksPath=/dev/null', '-c', 'gc.auto=0'];
  const isKnown = (() => {
    try {
      return git(directory, 'config', 'user.email') !== '';
    } catch {
      return false;
    }
  })();
  const author = isKnown ? [] : ['-c', `user.name=${name.kebab}`, '-c', `user.email=${name.kebab}@localhost`];
  git(directory, ...settings, ...author, 'commit', '--quiet', '--message', message);
}
