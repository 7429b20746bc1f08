import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

const parents = ['libs', 'apps', '.'];

/**
 * Gives a folder that lacks its `node_modules` those of a workspace with the same lockfile: packages of others are links to
 * them, those of the workspace are its own.
 *
 * @param installed root of a workspace whose packages are installed
 */
export function linkPackages(installed: string, directory: string): void {
  const ours = [...packagesOf(installed).keys(), ...packagesOf(directory).keys()];
  const link = (folder: string, name: string) => symlinkSync(join(installed, folder, name), join(directory, folder, name));
  mkdirSync(join(directory, 'node_modules'));
  for (const name of readdirSync(join(installed, 'node_modules'))) {
    // Stamps of what is installed there.
    const isStamp = name.startsWith('.') && name !== '.bin';
    if (!isStamp && !ours.some((one) => one === name || one.startsWith(`${name}/`))) link('node_modules', name);
  }
  for (const [name, folder] of packagesOf(directory)) {
    const depth = name.split('/').length;
    if (depth > 1) mkdirSync(join(directory, 'node_modules', name, '..'), { recursive: true });
    symlinkSync(join(depth > 1 ? '../..' : '..', folder), join(directory, 'node_modules', name));
    // Versions that only this package has.
    if (existsSync(join(installed, folder, 'node_modules'))) link(folder, 'node_modules');
  }
}

/** Folders of a workspace's own packages by their names. */
function packagesOf(root: string): Map<string, string> {
  const folders = parents.flatMap((parent) => readdirSync(join(root, parent)).map((name) => join(parent, name)));
  const isPackage = (folder: string) => !folder.startsWith('node_modules') && existsSync(join(root, folder, 'package.json'));
  return new Map(folders.filter(isPackage).map((folder) => [(JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as { name: string }).name, folder]));
}
