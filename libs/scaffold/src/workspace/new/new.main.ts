import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ScaffoldError } from '../../scaffold.error.ts';
import { readNewOptions, usage } from './new.options.ts';
import { makeWorkspace } from './workspace.maker.ts';

const root = fileURLToPath(new URL('../../../../..', import.meta.url)).replace(/\/$/, '');

function main(args: readonly string[]): void {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(usage);
    return;
  }
  // npm runs scripts at the root, and says where it was called.
  const directory = process.env['INIT_CWD'] ?? process.cwd();
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: Record<string, object> };
  const scopesTaken = Object.keys(packages).flatMap((path) => /node_modules\/(@[^/]+)\/[^/]+$/.exec(path)?.[1] ?? []);
  const options = readNewOptions(args, { directory, root, scopesTaken });
  makeWorkspace(root, options);
  const folder = relative(directory, options.folder);
  process.stdout.write(`${folder} is a workspace of its own, with one commit. Next: cd ${folder}, npm test, npm run demo\n`);
}

try {
  main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof ScaffoldError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
