import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, renameSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { yieldProcessor } from './background.ts';
import { ClusterError } from './cluster.error.ts';
import { diskFullOr, lastLines } from './files.ts';
import { readProcessTable, sendSignal, signalTree, startTimeOf } from './process-table.ts';
import type { UnprivilegedUser } from './unprivileged-user.ts';
import type { Watchdog } from './watchdog.ts';

/** Restart delays double from the first to the last; a process that was up for the third begins anew. */
const backoff = { firstMs: 100, lastMs: 10_000, resetAfterMs: 30_000 };
const probe = { startIntervalMs: 50, intervalMs: 1_000, failuresAllowed: 2 };

/**
 * - `starting`: runs, not ready yet. - `ready`: does its work. - `not-ready`: was ready, and says or shows that it is not.
 * - `paused`: by SIGSTOP. - `waiting`: crashed, waits to be started again. - `stopping`, `stopped`.
 */
export type ProcessState = 'starting' | 'ready' | 'not-ready' | 'paused' | 'waiting' | 'stopping' | 'stopped';

/** What a process is and how it is run. */
export interface ProcessSpecification {
  name: string;
  kind: 'component' | 'service';
  command: string;
  args: readonly string[];
  /** The whole environment, apart from PATH and HOME. */
  environment?: Readonly<Record<string, string>>;
  workingDirectory: string;
  /** Who runs it, when we are root and it refuses to be. */
  user?: UnprivilegedUser | undefined;
  ports: Readonly<Record<string, number>>;
  /** What asks it to end in order. Default SIGTERM. */
  stopSignal?: 'SIGTERM' | 'SIGINT';
  /** Milliseconds it gets to end in order before SIGKILL. Default 5,000. */
  stopWithinMs?: number;
  /** One look at whether it does its work: false or a throw mean no. */
  isReady(signal: AbortSignal): Promise<boolean>;
  /** Milliseconds until it must be ready. Default 60,000. */
  readyWithinMs?: number;
  /** Whether to keep looking once a second, as an orchestrator's readiness probe does. Default false. */
  keepsProbing?: boolean;
  /** Whether it yields the processor to the others once it is ready: nobody waits for what it does. Default false. */
  background?: boolean;
  /** What the reader of the error can do when it does not start. */
  advice?: string;
}

/** Whoever follows the processes: writes state files, call addresses, balancer slots. */
export interface ProcessObserver {
  /** Another operating-system process stands behind the name, or none. */
  replaced(process: SupervisedProcess): void;
  /** It began, or ceased, to do its work. */
  servingChanged(process: SupervisedProcess, serving: boolean): void;
}

interface Run {
  child: ChildProcess;
  pid: number;
  startTime: string;
  startedAt: number;
  ended: Promise<void>;
  hasEnded: boolean;
}

/** One process that is started, watched, and started again when it dies unasked. */
export class SupervisedProcess {
  readonly specification: ProcessSpecification;
  readonly logFile: string;
  readonly #watchdog: Watchdog;
  readonly #observer: ProcessObserver;
  #run: Run | undefined;
  #state: ProcessState = 'stopped';
  #paused = false;
  #serving = false;
  #restarts = 0;
  #quickDeaths = 0;
  #lastProblem: unknown;
  /** Aborted when the process is no longer wanted: ends waits, probes and delayed restarts. */
  #wanted = new AbortController();

  constructor(specification: ProcessSpecification, logDirectory: string, watchdog: Watchdog, observer: ProcessObserver) {
    this.specification = specification;
    this.logFile = `${logDirectory}/${specification.name}.log`;
    this.#watchdog = watchdog;
    this.#observer = observer;
    if (existsSync(this.logFile)) renameSync(this.logFile, `${this.logFile}.1`);
  }

  get name(): string {
    return this.specification.name;
  }

  get state(): ProcessState {
    return this.#paused ? 'paused' : this.#state;
  }

  get restarts(): number {
    return this.#restarts;
  }

  get serving(): boolean {
    return this.#serving;
  }

  /** The running process with its start time, which tells it from a later one with the same pid. */
  get running(): { pid: number; startTime: string } | undefined {
    return this.#run && !this.#run.hasEnded ? { pid: this.#run.pid, startTime: this.#run.startTime } : undefined;
  }

  /**
   * Starts it and waits until it is ready.
   *
   * @throws ClusterError `not-ready` with its last log lines, when it ends first or takes too long; it is ended then
   */
  async start(): Promise<void> {
    this.#wanted = new AbortController();
    const run = this.#spawn();
    const wanted = this.#wanted.signal;
    try {
      await this.#untilReady(run, wanted);
    } catch (error) {
      await this.stop();
      throw error;
    }
    if (!run.hasEnded) this.#becameReady(run, wanted);
    void run.ended.then(() => this.#restartAfter(run, wanted));
  }

  /** Asks it to end, and ends it by SIGKILL when it has not in time. */
  async stop(): Promise<void> {
    this.#wanted.abort();
    const run = this.#run;
    if (!run || run.hasEnded) {
      this.#change('stopped', false);
      return;
    }
    this.#change('stopping', false);
    sendSignal(run.pid, this.specification.stopSignal ?? 'SIGTERM');
    if (this.#paused) signalTree(run.pid, 'SIGCONT');
    this.#paused = false;
    const patience = new AbortController();
    const impatient = sleep(this.specification.stopWithinMs ?? 5_000, undefined, { signal: patience.signal }).catch(() => {});
    await Promise.race([run.ended, impatient]);
    patience.abort();
    if (!run.hasEnded) signalTree(run.pid, 'SIGKILL');
    await run.ended;
    this.#change('stopped', false);
  }

  /** Ends it in order and starts it anew. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
    this.#restarts += 1;
  }

  /** Fault: SIGKILL to it and all that it started. It is started again like after any crash. */
  kill(): void {
    const run = this.#requireRun();
    this.#paused = false;
    signalTree(run.pid, 'SIGKILL');
  }

  /** Fault: it stands still with all that it started, its sockets stay open. */
  pause(): void {
    signalTree(this.#requireRun().pid, 'SIGSTOP');
    this.#paused = true;
  }

  /** Lets a paused process run on. */
  resume(): void {
    signalTree(this.#requireRun().pid, 'SIGCONT');
    this.#paused = false;
  }

  /** Kilobytes of memory of it and all that it started. */
  memory(table = readProcessTable()): number {
    if (!this.running) return 0;
    return table.treeOf(this.running.pid).reduce((sum, pid) => sum + table.memoryOf(pid), 0);
  }

  #requireRun(): Run {
    if (this.#run && !this.#run.hasEnded) return this.#run;
    throw new ClusterError('unknown-process', `${this.name} does not run at the moment (${this.#state})`);
  }

  #spawn(): Run {
    const { command, args, environment, workingDirectory, user, stopSignal } = this.specification;
    const log = openSync(this.logFile, 'a');
    let child: ChildProcess;
    try {
      const [program = command, ...rest] = [...(user?.prefix ?? []), command, ...args];
      child = spawn(program, rest, {
        cwd: workingDirectory,
        env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...environment },
        // A group of its own: a terminal's Ctrl-C reaches us alone, and we end the others in order.
        detached: true,
        stdio: ['ignore', log, log],
        ...(user && user.prefix.length === 0 ? { uid: user.uid, gid: user.gid } : {}),
      });
    } finally {
      closeSync(log);
    }
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const run: Run = { child, pid: child.pid ?? 0, startTime: '', startedAt: Date.now(), ended, hasEnded: false };
    this.#run = run;
    this.#change('starting', false);
    child.on('error', (error) => (this.#lastProblem = error));
    const end = () => {
      run.hasEnded = true;
      this.#paused = false;
      this.#watchdog.forget(run.pid);
      this.#setServing(false);
      this.#observer.replaced(this);
      resolve();
    };
    if (child.pid === undefined) {
      end();
      return run;
    }
    child.once('exit', end);
    this.#watchdog.watch(run.pid, stopSignal ?? 'SIGTERM');
    run.startTime = startTimeOf(run.pid) ?? '';
    this.#observer.replaced(this);
    return run;
  }

  async #untilReady(run: Run, wanted: AbortSignal): Promise<void> {
    const { name, readyWithinMs = 60_000, advice } = this.specification;
    const until = Date.now() + readyWithinMs;
    while (Date.now() < until && !run.hasEnded && !wanted.aborted) {
      if (await this.#probe(wanted)) return;
      await sleep(probe.startIntervalMs);
    }
    if (wanted.aborted) throw new ClusterError('stopped', `${name} was stopped while it started`);
    const { exitCode, signalCode } = run.child;
    const how = run.hasEnded ? `ended (${signalCode ?? `exit code ${exitCode}`}) before it was ready` : `was not ready within ${readyWithinMs / 1000} s`;
    const lines = lastLines(this.logFile);
    throw new ClusterError('not-ready', [`${name} ${how}.`, lines && `Its last log lines:\n${lines}`, advice].filter(Boolean).join('\n'), {
      cause: this.#lastProblem,
    });
  }

  async #probe(wanted: AbortSignal): Promise<boolean> {
    try {
      return await this.specification.isReady(AbortSignal.any([wanted, AbortSignal.timeout(1_000)]));
    } catch (error) {
      this.#lastProblem = error;
      return false;
    }
  }

  #becameReady(run: Run, wanted: AbortSignal): void {
    this.#change('ready', true);
    if (this.specification.background) void yieldProcessor(run.pid);
    if (this.specification.keepsProbing) void this.#keepProbing(run, wanted);
  }

  async #keepProbing(run: Run, wanted: AbortSignal): Promise<void> {
    let failures = 0;
    while (!run.hasEnded && !wanted.aborted) {
      await sleep(probe.intervalMs, undefined, { ref: false });
      const ready = await this.#probe(wanted);
      if (run.hasEnded || wanted.aborted) return;
      failures = ready ? 0 : failures + 1;
      if (failures === 0) this.#change('ready', true);
      else if (failures >= probe.failuresAllowed) this.#change('not-ready', false);
    }
  }

  async #restartAfter(run: Run, wanted: AbortSignal): Promise<void> {
    for (let last = run; !wanted.aborted; ) {
      this.#quickDeaths = Date.now() - last.startedAt > backoff.resetAfterMs ? 0 : this.#quickDeaths;
      const delay = Math.min(backoff.firstMs * 2 ** this.#quickDeaths, backoff.lastMs);
      this.#quickDeaths += 1;
      this.#change('waiting', false);
      this.#note(`ended (${last.child.signalCode ?? `exit code ${last.child.exitCode}`}), starts again in ${delay} ms`);
      await sleep(delay, undefined, { signal: wanted }).catch(() => {});
      if (wanted.aborted) return;
      this.#restarts += 1;
      const next = this.#spawn();
      last = next;
      // However long it takes: what was ready once is given time, and a death ends the wait.
      while (!next.hasEnded && !wanted.aborted && !(await this.#probe(wanted))) await sleep(probe.startIntervalMs * 2);
      if (!next.hasEnded && !wanted.aborted) this.#becameReady(next, wanted);
      await next.ended;
    }
  }

  #note(text: string): void {
    const log = openSync(this.logFile, 'a');
    try {
      writeSync(log, `${new Date().toISOString()} [local-cluster] ${this.name} ${text}\n`);
    } catch (error) {
      this.#lastProblem = diskFullOr(error, this.logFile);
    } finally {
      closeSync(log);
    }
  }

  #change(state: ProcessState, serving: boolean): void {
    this.#state = state;
    this.#setServing(serving);
  }

  #setServing(serving: boolean): void {
    if (this.#serving === serving) return;
    this.#serving = serving;
    this.#observer.servingChanged(this, serving);
  }
}
