import { readdirSync, readFileSync } from 'node:fs';
import type { ProcessStatus } from '@tenfold/local-cluster';

/** Clock ticks per second that /proc counts in: 100 on every Linux (proc(5), USER_HZ). */
const TICKS = 100;

interface ProcessTimes {
  parent: number;
  own: number;
  /** Of children that have ended. */
  ended: number;
}

/** Replicas together: the name without the replica's number. */
export const withoutNumber = (name: string) => name.replace(/-\d+$/, '');

/**
 * Seconds of CPU that each process of the cluster has used, its children included, by what `groupOf` makes of its name.
 * The runner's children are the others, so it counts for itself alone. Linux only; empty elsewhere.
 */
export function readCpuTimes(
  processes: readonly Pick<ProcessStatus, 'name' | 'kind' | 'pid'>[],
  groupOf: (name: string) => string = withoutNumber,
): Map<string, number> {
  const sums = new Map<string, number>();
  if (process.platform !== 'linux') return sums;
  const table = readTable();
  for (const { name, kind, pid } of processes) {
    if (pid === undefined) continue;
    const group = groupOf(name);
    const ticks = kind === 'runner' ? (table.get(pid)?.own ?? 0) : ticksOfTree(pid, table);
    sums.set(group, (sums.get(group) ?? 0) + ticks / TICKS);
  }
  return sums;
}

/** Seconds that all cores together have been busy since the machine started; undefined where the system does not tell. */
export function readMachineCpu(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  // proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal.
  const fields = (readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? '').split(/\s+/).slice(1).map(Number);
  return [0, 1, 2, 5, 6].reduce((sum, index) => sum + (fields[index] ?? 0), 0) / TICKS;
}

function readTable(): Map<number, ProcessTimes> {
  const table = new Map<number, ProcessTimes>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const fields = statOf(entry);
    const number = (index: number) => Number(fields[index] ?? 0);
    // Counted from `state`, the first field after the name: ppid, utime, stime, cutime, cstime.
    table.set(Number(entry), { parent: number(1), own: number(11) + number(12), ended: number(13) + number(14) });
  }
  return table;
}

/** Fields after the command name, which may itself hold spaces and brackets; none when the process has ended meanwhile. */
function statOf(pid: string): string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}

function ticksOfTree(root: number, table: ReadonlyMap<number, ProcessTimes>): number {
  const tree = new Set([root]);
  // A set is walked in the order of insertion, and what is added on the way is reached as well.
  for (const member of tree) {
    for (const [pid, { parent }] of table) if (parent === member) tree.add(pid);
  }
  return [...tree].reduce((sum, pid) => sum + (table.get(pid)?.own ?? 0) + (table.get(pid)?.ended ?? 0), 0);
}
