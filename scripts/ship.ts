import { cpSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { billOfMaterials } from './bill-of-materials.ts';
import { shippedPackages } from './build.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

interface PackageJson {
  dependencies?: Record<string, string>;
}

/** Packages that bundles in a folder load at run time, and what those need. */
function packagesBeside(bundles: string): Set<string> {
  const code = globSync('*.js', { cwd: bundles }).map((file) => readFileSync(join(bundles, file), 'utf8'));
  const wanted = shippedPackages.filter((name) => code.some((text) => new RegExp(`["']${name}["']`).test(text)));
  const found = new Set<string>();
  const add = (name: string) => {
    if (found.has(name)) return;
    found.add(name);
    const { dependencies = {} } = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')) as PackageJson;
    for (const dependency of Object.keys(dependencies)) add(dependency);
  };
  for (const name of wanted) add(name);
  return found;
}

/**
 * Puts what a service needs to run into a folder of its own: its bundles, the packages that stay outside of them, and
 * the bill of materials.
 *
 * @param service name of an app that is built
 */
export function ship(service: string, folder: string): void {
  const bundles = join(root, 'dist/apps', service);
  mkdirSync(folder, { recursive: true });
  cpSync(bundles, folder, { recursive: true, filter: (file) => !file.endsWith('/.sources') });
  for (const name of packagesBeside(bundles)) {
    cpSync(join(root, 'node_modules', name), join(folder, 'node_modules', name), { recursive: true, filter: (file) => !/\.(map|md|d\.[cm]?ts|ts)$/.test(file) });
  }
  writeFileSync(join(folder, 'sbom.cdx.json'), `${JSON.stringify(billOfMaterials(service, folder), undefined, 2)}\n`);
}

if (import.meta.main) {
  const [service, folder] = process.argv.slice(2);
  if (service === undefined || folder === undefined) {
    process.stderr.write('Usage: node scripts/ship.ts SERVICE FOLDER\n');
    process.exitCode = 2;
  } else ship(service, folder);
}
