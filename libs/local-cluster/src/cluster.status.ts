import { readProcessTable } from './process-table.ts';
import type { ProcessState, SupervisedProcess } from './supervised-process.ts';

/** One process as `cluster status` shows it. */
export interface ProcessStatus {
  name: string;
  /** `runner` is the process that supervises the others. */
  kind: 'component' | 'service' | 'runner';
  pid: number | undefined;
  ports: Readonly<Record<string, number>>;
  state: ProcessState;
  /** How often it was started again. */
  restarts: number;
  /** Kilobytes of memory of it and its children: proportional set size on Linux, so that the sum counts each page once. */
  memoryKilobytes: number;
}

/** What runs, with the runner itself, which the system costs as well. */
export function statusOf(processes: Iterable<SupervisedProcess>): ProcessStatus[] {
  const table = readProcessTable();
  const rows = [...processes].map((one): ProcessStatus => {
    const { name, specification, state, restarts, running } = one;
    return { name, kind: specification.kind, pid: running?.pid, ports: specification.ports, state, restarts, memoryKilobytes: one.memory(table) };
  });
  const order = { runner: 0, component: 1, service: 2 };
  rows.push({ name: 'runner', kind: 'runner', pid: process.pid, ports: {}, state: 'ready', restarts: 0, memoryKilobytes: table.memoryOf(process.pid) });
  return rows.sort((a, b) => order[a.kind] - order[b.kind] || a.name.localeCompare(b.name, 'en', { numeric: true }));
}
