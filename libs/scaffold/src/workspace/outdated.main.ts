import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ScaffoldError } from '../scaffold.error.ts';
import { compare } from './comparison.ts';
import { migrationsOf } from './migrations.ts';
import { readOrigin } from './origin.ts';
import { render } from './renderings.ts';
import { takeOver } from './take-over.ts';

const usage = `Usage: npm run outdated [-- --template PATH] [--take]

Compares this workspace with what its template would make today: lists files that the template has changed and this
workspace has not, files that both have, and migrations that have not run.

  --template PATH  a clone of the template, or its address (default: what template.json names)
  --take           takes over all of it: files of the first kind as they are, those of the second merged, then migrations
`;

const root = fileURLToPath(new URL('../../../..', import.meta.url)).replace(/\/$/, '');
const say = (line: string) => process.stdout.write(`${line}\n`);

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { template: { type: 'string' }, take: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h' } } });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const { template, version, commit, migrations } = readOrigin(root);
  const renderings = render(root, values.template);
  try {
    const { takeable, mergeable } = compare(root, renderings.base, renderings.today);
    const pending = migrationsOf(renderings.today).filter(({ name }) => !migrations.includes(name));
    say(`Made from ${template} ${version} (${commit.slice(0, 10)}); it is at ${renderings.origin.version} (${renderings.origin.commit.slice(0, 10)}), ${renderings.commits} commits later.`);
    list('can be taken over, unchanged here', takeable);
    list('to merge, changed here as well', mergeable);
    list('migrations not yet run', pending.map((migration) => `${migration.name} (${migration.version}): ${migration.description}`));
    if (values.take) return await takeOver(root, renderings, { takeable, mergeable }, say);
    return 0;
  } finally {
    renderings.remove();
  }
}

function list(heading: string, items: readonly string[]): void {
  say(`\n${heading}: ${items.length}`);
  for (const item of items) say(`  ${item}`);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof ScaffoldError) && !(error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS')) throw error;
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
