import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

const hasProc = process.platform === 'linux';

/** Fields of `/proc/<pid>/stat` after the command name, which may itself hold spaces and brackets (proc(5)). */
function statFields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

/**
 * When a process began, as an opaque text: with the pid it names one process for good, since pids are used again.
 *
 * @returns undefined when no such process runs; a zombie does not run
 */
export function startTimeOf(pid: number): string | undefined {
  if (hasProc) {
    const fields = statFields(pid);
    return fields === undefined || fields[0] === 'Z' ? undefined : fields[19];
  }
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined;
  } catch {
    return undefined;
  }
}

/** Whether the process that had this pid at that time still runs. */
export function stillRuns(pid: number, startTime: string | undefined): boolean {
  return startTime !== undefined && startTimeOf(pid) === startTime;
}

/** Every process of this machine, as it was at one moment. */
export interface ProcessTable {
  /** The process and everything that descends from it. */
  treeOf(pid: number): number[];
  /** Kilobytes that the process accounts for: its proportional set size on Linux, its resident set elsewhere. */
  memoryOf(pid: number): number;
}

function readLinuxTable(): ProcessTable {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const parent = Number(statFields(pid)?.[1]);
    if (Number.isInteger(parent)) children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  return {
    treeOf: (pid) => treeFrom(pid, children),
    memoryOf(pid) {
      try {
        return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
      } catch {
        return 0;
      }
    },
  };
}

function readPsTable(): ProcessTable {
  const children = new Map<number, number[]>();
  const memory = new Map<number, number>();
  for (const line of execFileSync('ps', ['-axo', 'pid=,ppid=,rss='], { encoding: 'utf8' }).split('\n')) {
    const [pid, parent, kilobytes] = line.trim().split(/\s+/).map(Number);
    if (pid === undefined || parent === undefined) continue;
    children.set(parent, [...(children.get(parent) ?? []), pid]);
    memory.set(pid, kilobytes ?? 0);
  }
  return { treeOf: (pid) => treeFrom(pid, children), memoryOf: (pid) => memory.get(pid) ?? 0 };
}

function treeFrom(root: number, children: ReadonlyMap<number, readonly number[]>): number[] {
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

/** Reads the table of processes; some milliseconds of work. */
export function readProcessTable(): ProcessTable {
  return hasProc ? readLinuxTable() : readPsTable();
}

/** Sends a signal to a process, or to a group when `pid` is negative; a process that is gone is no error. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Sends a signal to a process, its group and all of its descendants, wherever they moved to. */
export function signalTree(pid: number, signal: NodeJS.Signals): void {
  const tree = readProcessTable().treeOf(pid);
  sendSignal(-pid, signal);
  for (const member of tree) sendSignal(member, signal);
}
