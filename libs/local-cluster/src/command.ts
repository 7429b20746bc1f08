import { spawn } from 'node:child_process';
import { ClusterError } from './cluster.error.ts';
import type { UnprivilegedUser } from './unprivileged-user.ts';
import type { Watchdog } from './watchdog.ts';

export interface CommandOptions {
  /** What is being done, for the message when it fails: "the migrations of catalog". */
  purpose: string;
  workingDirectory?: string;
  /** Added to PATH and HOME; the whole environment of ours is passed on when absent. */
  environment?: Readonly<Record<string, string>>;
  user?: UnprivilegedUser | undefined;
  watchdog?: Watchdog;
  signal?: AbortSignal | undefined;
  /** Called with each line of its output as it comes; for commands that take long. */
  onLine?: (line: string) => unknown;
}

/**
 * Runs a command of the set-up to its end.
 *
 * @returns what it wrote to its standard output
 * @throws ClusterError `command-failed` with its last lines, or `stopped` when `signal` was aborted
 */
export async function runCommand(command: string, args: readonly string[], options: CommandOptions): Promise<string> {
  const { purpose, environment, user, watchdog, signal, onLine } = options;
  const [program = command, ...rest] = [...(user?.prefix ?? []), command, ...args];
  const child = spawn(program, rest, {
    cwd: options.workingDirectory ?? '/',
    env: environment ? { PATH: process.env['PATH'], HOME: process.env['HOME'], ...environment } : process.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(user && user.prefix.length === 0 ? { uid: user.uid, gid: user.gid } : {}),
  });
  const { pid } = child;
  if (pid !== undefined) watchdog?.watch(pid, 'SIGTERM');
  const stop = () => pid !== undefined && child.exitCode === null && process.kill(-pid, 'SIGTERM');
  signal?.addEventListener('abort', stop, { once: true });

  let output = '';
  let everything = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    everything += text;
    if (onLine) for (const line of text.split('\n')) if (line.trim()) onLine(line.trimEnd());
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (everything += text));

  try {
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, endedBy) => (code === 0 ? resolve() : reject(new Error(endedBy ?? `exit code ${code}`))));
    });
    return output;
  } catch (error) {
    if (signal?.aborted) throw new ClusterError('stopped', `${purpose}: stopped`, { cause: error });
    const lines = everything.trimEnd().split('\n').slice(-15).map((line) => `    ${line}`).join('\n');
    const full = /no space left|ENOSPC/i.test(everything);
    throw new ClusterError(full ? 'disk-full' : 'command-failed', `${purpose} failed (${(error as Error).message}): ${program} ${rest.join(' ')}\n${lines}`, {
      cause: error,
    });
  } finally {
    signal?.removeEventListener('abort', stop);
    if (pid !== undefined) watchdog?.forget(pid);
  }
}
