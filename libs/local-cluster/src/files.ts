import { createHash } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, readFileSync, renameSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ClusterError } from './cluster.error.ts';

const leastFreeBytes = 1_000_000_000;

interface Owner {
  uid: number;
  gid: number;
}

/** Writes a file so that a reader sees the old text or the new one, never a part. */
export function writeAtomically(file: string, text: string, { mode = 0o600, owner }: { mode?: number; owner?: Owner | undefined } = {}): void {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.new`;
  try {
    writeFileSync(temporary, text, { mode });
    chmodSync(temporary, mode);
    if (owner) chownSync(temporary, owner.uid, owner.gid);
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw diskFullOr(error, file);
  }
}

/** Makes a folder that belongs to `owner`, who alone may look into it. */
export function makeDirectory(directory: string, owner?: Owner): void {
  mkdirSync(directory, { recursive: true });
  if (!owner) return;
  chownSync(directory, owner.uid, owner.gid);
  chmodSync(directory, 0o700);
}

/**
 * Fills in a configuration file of `infra/`: each `${NAME}` by the value of that name.
 *
 * @throws Error when the file names a value that is not given
 */
export function renderTemplate(template: string, values: Readonly<Record<string, string | number>>): string {
  return readFileSync(template, 'utf8').replaceAll(/\$\{([A-Z_]+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`${template} asks for \${${name}}, which has no value`);
    return String(value);
  });
}

/** @throws ClusterError `disk-full` when a start would soon run out of space */
export function requireFreeSpace(directory: string): void {
  const { bavail, bsize } = statfsSync(directory);
  if (bavail * bsize >= leastFreeBytes) return;
  throw new ClusterError(
    'disk-full',
    `Only ${Math.round((bavail * bsize) / 1e6)} MB are free where ${directory} lies; the cluster needs 1 GB. Make room and start again.`,
  );
}

/** The error itself, or a `ClusterError` when it says that no space is left. */
export function diskFullOr(error: unknown, file: string): unknown {
  if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') return error;
  return new ClusterError('disk-full', `The disk is full: ${file} could not be written. Make room and start again.`, { cause: error });
}

/** The last lines of a log, for a message. */
export function lastLines(file: string, count = 12): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count).map((line) => `    ${line}`).join('\n');
  } catch {
    return '';
  }
}

/**
 * Where a Unix socket of the cluster lies: in its folder, or, if that path is longer than the system allows
 * (104 bytes on macOS, 108 on Linux), in a private folder of the temporary directory.
 */
export function socketPath(directory: string, name: string): string {
  const path = join(directory, name);
  if (Buffer.byteLength(path) < 100) return path;
  const hash = createHash('sha256').update(directory).digest('hex').slice(0, 12);
  const folder = join(tmpdir(), `tenfold-${process.getuid?.() ?? 0}-${hash}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return join(folder, name);
}
