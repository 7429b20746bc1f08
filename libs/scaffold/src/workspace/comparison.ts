import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesIn } from './git.ts';
import { originFile } from './origin.ts';

/** What became of the files of a workspace since it was made, in it and in its template. */
export interface Comparison {
  /** Changed in the template alone: new there, changed or gone. */
  takeable: string[];
  /** Changed on both sides, and not alike. */
  mergeable: string[];
}

/**
 * @param base the workspace as the template made it then
 * @param today as the template would make it now
 */
export function compare(root: string, base: string, today: string): Comparison {
  const paths = [...new Set([base, today].flatMap(filesIn))].filter((path) => path !== originFile).sort();
  const changed = paths.filter((path) => !isSame(base, today, path) && !isSame(root, today, path));
  return {
    takeable: changed.filter((path) => isSame(root, base, path)),
    mergeable: changed.filter((path) => !isSame(root, base, path)),
  };
}

function isSame(one: string, other: string, path: string): boolean {
  const [left, right] = [join(one, path), join(other, path)];
  if (!existsSync(left) || !existsSync(right)) return existsSync(left) === existsSync(right);
  return readFileSync(left).equals(readFileSync(right));
}
