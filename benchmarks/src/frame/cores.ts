import { existsSync } from 'node:fs';
import { cpus } from 'node:os';

/** Where Linux distributions put util-linux' taskset(1); macOS has no way to pin a process. */
const taskset = '/usr/bin/taskset';

/** The command that keeps what it starts on one core; none where there is but one, or no `taskset`. */
export function onCore(core: 0 | 1): string[] {
  return cpus().length > 1 && existsSync(taskset) ? [taskset, '-c', String(core)] : [];
}
