import { execFileSync } from 'node:child_process';

/** Runs git in a folder and returns what it prints; throws with its own words when it fails. */
export function git(cwd: string, ...args: string[]): string {
  return execFileSync('git', args, { cwd, encoding: 'utf8', maxBuffer: 100_000_000, stdio: ['ignore', 'pipe', 'pipe'] }).trimEnd();
}

/** Files that git knows, or would add. */
export function filesIn(root: string): string[] {
  return git(root, 'ls-files', '--cached', '--others', '--exclude-standard', '-z').split('\0').filter((path) => path !== '');
}
