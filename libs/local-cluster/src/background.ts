import { existsSync, writeFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * A third of what another process gets while all want the processor, and all of it while none does (sched(7)). With 10, a
 * tenth, the worker's calls timed out on a full machine, and reports with them.
 */
const niceness = 5;

/**
 * Lets a process yield the processor to those that people wait for. A process that has ended meanwhile is left alone.
 *
 * Each of our processes leads a session, and where Linux groups by session (autogroup), the group's niceness counts and
 * not the process's own.
 */
export async function yieldProcessor(pid: number): Promise<void> {
  try {
    setPriority(pid, Math.max(niceness, getPriority(pid)));
  } catch {
    return;
  }
  const group = `/proc/${pid}/autogroup`;
  // Linux takes one such change in 100 ms from whoever is not root.
  for (let attempt = 0; attempt < 10 && existsSync(group); attempt += 1) {
    try {
      writeFileSync(group, String(niceness));
      return;
    } catch {
      await sleep(100 + 200 * Math.random());
    }
  }
}
