import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ScaffoldError } from '../scaffold.error.ts';

/** The file that says what a workspace was made from. */
export const originFile = 'template.json';

/** What a workspace was made from, and by what: enough to make it again. */
export interface Origin {
  /** Name of the template. */
  template: string;
  /** Where it is cloned from; absent when it was nowhere but on the machine that the workspace was made on. */
  repository?: string;
  /** Of the template that the workspace's files are from, or were brought up to since. */
  commit: string;
  /** Version of the template's libraries at that commit. */
  version: string;
  parameters: Parameters;
  /** Migrations that it need not run: those it was made after, and those it has run. */
  migrations: string[];
}

export interface Parameters {
  /** `acme` */
  name: string;
  /** `@acme` */
  scope: string;
  /** Whether the sample came along. */
  keepShop: boolean;
}

/** @throws ScaffoldError `unknown-source` for a workspace that was made from nothing */
export function readOrigin(root: string): Origin {
  const file = join(root, originFile);
  if (!existsSync(file)) throw new ScaffoldError('unknown-source', `There is no ${originFile}: this workspace was made from no other, so nothing can be taken over.`);
  return JSON.parse(readFileSync(file, 'utf8')) as Origin;
}

export function writeOrigin(root: string, origin: Origin): void {
  writeFileSync(join(root, originFile), `${JSON.stringify(origin, undefined, 2)}\n`);
}
