import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterContext } from '../cluster.context.ts';
import { runCommand } from '../command.ts';

interface JarsOptions {
  /** Folder of `infra` whose `pom.xml` names them. */
  folder: string;
  /** Folder that keeps them, outside of version control. */
  lib: string;
  /** Whose jars they are, and how much is to be fetched, for messages. */
  what: string;
  size: string;
}

/** The jars that a `pom.xml` names, fetched once for the checkout. */
export async function fetchJars(context: ClusterContext, { folder, lib, what, size }: JarsOptions): Promise<{ jarFolder: string; hash: string }> {
  const pom = join(folder, 'pom.xml');
  const hash = createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 12);
  const jarFolder = join(lib, hash);
  await makeOnce(jarFolder, async (unfinished) => {
    const args = ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${unfinished}`];
    context.progress(`fetching ${what}, ${size} once: mvn ${args.join(' ')}`);
    await runCommand(context.programs.get('mvn') ?? 'mvn', args, { purpose: `Fetching ${what}`, watchdog: context.watchdog, signal: context.signal });
  });
  return { jarFolder, hash };
}

/** Makes a folder beside its place and moves it there when it is whole; another cluster of the checkout may be quicker, and is believed. */
export async function makeOnce(place: string, make: (unfinished: string) => Promise<void>): Promise<void> {
  if (existsSync(place)) return;
  const unfinished = `${place}.${process.pid}.new`;
  mkdirSync(unfinished, { recursive: true });
  try {
    await make(unfinished);
    if (!existsSync(place)) renameSync(unfinished, place);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}
