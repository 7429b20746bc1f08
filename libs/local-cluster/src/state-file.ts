import { existsSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClusterError } from './cluster.error.ts';
import { writeAtomically } from './files.ts';
import { sendSignal, signalTree, startTimeOf, stillRuns } from './process-table.ts';

/** A process by its pid and its start time: a pid alone may be another process by now. */
export interface KnownProcess {
  name: string;
  pid: number;
  startTime: string;
  stopSignal: 'SIGTERM' | 'SIGINT';
}

const stateFile = (directory: string) => join(directory, 'state.json');
const lockFile = (directory: string) => join(directory, 'lock.json');

/** Keeps on disk which processes the cluster consists of, for the next start to clean up after a crash. */
export function writeState(directory: string, processes: readonly KnownProcess[]): void {
  writeAtomically(stateFile(directory), `${JSON.stringify(processes, undefined, 2)}\n`);
}

/**
 * Ends what a crashed runner left behind: only processes that its state file names, and only if they are still those.
 *
 * @returns names of the processes ended
 */
export async function endLeftovers(directory: string): Promise<string[]> {
  const file = stateFile(directory);
  if (!existsSync(file)) return [];
  const left = readProcesses(file).filter(({ pid, startTime }) => stillRuns(pid, startTime));
  for (const { pid, stopSignal } of left) {
    sendSignal(pid, stopSignal);
    signalTree(pid, 'SIGCONT');
  }
  const alive = () => left.filter(({ pid, startTime }) => stillRuns(pid, startTime));
  for (let tries = 0; tries < 60 && alive().length > 0; tries += 1) await sleep(100);
  for (const { pid } of alive()) signalTree(pid, 'SIGKILL');
  while (alive().length > 0) await sleep(20);
  rmSync(file, { force: true });
  return left.map(({ name }) => name);
}

function readProcesses(file: string): KnownProcess[] {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as KnownProcess[];
  } catch {
    return [];
  }
}

/**
 * Makes this process the only runner of the folder's cluster.
 *
 * @returns gives the folder back
 * @throws ClusterError `already-running`
 */
export function lockDirectory(directory: string): () => void {
  const file = lockFile(directory);
  const mine = JSON.stringify({ pid: process.pid, startTime: startTimeOf(process.pid) });
  const temporary = `${file}.${process.pid}.new`;
  writeFileSync(temporary, mine, { mode: 0o600 });
  try {
    // A link fails where a file exists, unlike a rename: of two starts at one moment, one gets it.
    while (!tryLink(temporary, file)) removeStaleLock(directory, file);
  } finally {
    rmSync(temporary, { force: true });
  }
  return () => rmSync(file, { force: true });
}

/** Pid of the process that runs this folder's cluster. */
export function runnerOf(directory: string): number | undefined {
  try {
    const { pid, startTime } = JSON.parse(readFileSync(lockFile(directory), 'utf8')) as KnownProcess;
    return stillRuns(pid, startTime) ? pid : undefined;
  } catch {
    return undefined;
  }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function removeStaleLock(directory: string, file: string): void {
  const runner = runnerOf(directory);
  if (runner !== undefined) throw new ClusterError('already-running', `The cluster in ${directory} runs already (pid ${runner}).`);
  const stale = `${file}.${process.pid}.stale`;
  try {
    renameSync(file, stale);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  // Between the look and the rename another start may have taken the lock: it gets it back.
  const { pid, startTime } = JSON.parse(readFileSync(stale, 'utf8')) as KnownProcess;
  if (stillRuns(pid, startTime)) tryLink(stale, file);
  rmSync(stale, { force: true });
}
