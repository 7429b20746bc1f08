import { globSync } from 'node:fs';
import { basename, isAbsolute, join } from 'node:path';
import { rolldown } from 'rolldown';

/**
 * Relative imports, our libraries, the compiler's own runtime, which is no package of ours, and lru-cache, of which
 * another package's older version stands where the bundle would find it.
 */
const inside = /^(\.|@tenfold\/|@oxc-project\/runtime|lru-cache$)/;

/**
 * Bundles a bench, its peers and its threads, so that Nest's decorators work; packages stay outside.
 *
 * @param folder the bench's
 * @param output emptied first; must lie in the checkout, where packages are found
 * @returns the file that the bench begins with
 */
export async function bundleBench(name: string, folder: string, output: string, tsconfig: string): Promise<string> {
  const files = [`${name}.bench.ts`, ...globSync('*.{peer,thread}.ts', { cwd: folder })];
  const bundle = await rolldown({
    input: Object.fromEntries(files.map((file) => [basename(file, '.ts'), join(folder, file)])),
    platform: 'node',
    tsconfig,
    external: (id) => !isAbsolute(id) && !inside.test(id),
  });
  await bundle.write({ dir: output, cleanDir: true, format: 'esm', sourcemap: true, entryFileNames: '[name].js', strictExecutionOrder: true, keepNames: true });
  await bundle.close();
  return join(output, `${name}.bench.js`);
}
