import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';

/**
 * Reads `+pid signal` and `-pid`; when its input ends, because whoever wrote it is gone, it ends what is left:
 * first by the signal named, after 5 s by SIGKILL. A paused process gets SIGCONT, else it could not hear.
 * Groups and not processes are signalled: a group's number is not given away while a member lives.
 */
const script = `
trap '' INT TERM HUP
watched=''
while read -r entry signal; do
  case $entry in
    +*) watched="$watched \${entry#+}:$signal" ;;
    -*) kept=''; for one in $watched; do [ "\${one%%:*}" = "\${entry#-}" ] || kept="$kept $one"; done; watched=$kept ;;
  esac
done
[ -z "$watched" ] && exit 0
for one in $watched; do
  kill -"\${one#*:}" -"\${one%%:*}" 2>/dev/null
  kill -CONT -"\${one%%:*}" 2>/dev/null
done
tries=0
while [ $tries -lt 50 ]; do
  alive=''
  for one in $watched; do kill -0 -"\${one%%:*}" 2>/dev/null && alive=yes; done
  [ -z "$alive" ] && exit 0
  sleep 0.1
  tries=$((tries + 1))
done
for one in $watched; do kill -KILL -"\${one%%:*}" 2>/dev/null; done
`;

/**
 * Ends the cluster's processes when the process that started them is gone, even by kill -9: a shell in a session of
 * its own whose input is a pipe that only we hold. It costs a quarter of a megabyte, and works on Linux and macOS alike.
 */
export class Watchdog {
  readonly #watched = new Map<number, NodeJS.Signals>();
  #shell: ChildProcess;
  #closed = false;

  constructor() {
    this.#shell = this.#start();
  }

  get pid(): number | undefined {
    return this.#shell.pid;
  }

  /** Names a process group to end, and the signal that ends it in order. */
  watch(group: number, signal: NodeJS.Signals): void {
    this.#watched.set(group, signal);
    this.#tell(`+${group} ${signal.slice(3)}`);
  }

  /** Takes back a group that has ended. */
  forget(group: number): void {
    this.#watched.delete(group);
    this.#tell(`-${group}`);
  }

  /** Ends the watchdog, and with it all that is still watched. */
  async close(): Promise<void> {
    this.#closed = true;
    const ended = new Promise<void>((resolve) => this.#shell.once('exit', () => resolve()));
    if (this.#shell.exitCode !== null || this.#shell.signalCode !== null) return;
    this.#shell.stdin?.end();
    await ended;
  }

  #start(): ChildProcess {
    const shell = spawn('/bin/sh', ['-c', script], { detached: true, stdio: ['pipe', 'ignore', 'ignore'], cwd: '/' });
    // A write to a shell that was just killed fails; its successor is told everything anew.
    shell.stdin?.on('error', () => {});
    shell.on('error', () => {});
    shell.on('exit', () => {
      if (this.#closed) return;
      this.#shell = this.#start();
      for (const [group, signal] of this.#watched) this.#tell(`+${group} ${signal.slice(3)}`);
    });
    return shell;
  }

  #tell(line: string): void {
    this.#shell.stdin?.write(`${line}\n`);
  }
}
