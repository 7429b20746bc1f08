import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const pages = fileURLToPath(new URL('../../../docs/patterns', import.meta.url));

/** What every page answers, in this order; the last one is written by `npm run prove -- --keep`. */
export const headings = ['What', 'When not', 'Where', 'Switch', 'Measured'];

/** Name of each pattern that can be measured → folder of its bench. */
export const patterns: ReadonlyMap<string, string> = new Map(
  globSync('*/*.bench.ts', { cwd: import.meta.dirname })
    .sort()
    .map((file) => [basename(file, '.bench.ts'), join(import.meta.dirname, dirname(file))]),
);

export function readPage(pattern: string): string {
  return readFileSync(join(pages, `${pattern}.md`), 'utf8');
}

/** Puts a new measurement in place of the last one. */
export function keepMeasured(pattern: string, measured: string): void {
  const [before] = readPage(pattern).split('\n## Measured\n');
  writeFileSync(join(pages, `${pattern}.md`), `${before}\n## Measured\n${measured}`);
}
