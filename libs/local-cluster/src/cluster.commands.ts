import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ClusterError } from './cluster.error.ts';
import type { ClusterOptions } from './cluster.options.ts';
import type { ClusterUrls } from './cluster.urls.ts';
import { componentNames } from './components/component-names.ts';
import type { ComponentName, ExtraName } from './components/component-names.ts';
import { readStatus, sendCommand } from './control/control.client.ts';
import type { ClusterStatus } from './control/control.protocol.ts';
import { lastLines } from './files.ts';
import { startTimeOf, stillRuns } from './process-table.ts';
import type { RunnerMessage } from './runner.main.ts';
import { endLeftovers, runnerOf } from './state-file.ts';
import { drawTimeline } from './timeline.ts';

const say = (line: string) => process.stdout.write(`${line}\n`);

interface UpOptions {
  services: string | undefined;
  components: string | undefined;
  extras: string | undefined;
  install: boolean;
  timings: boolean;
}

/** Starts a runner of its own session and returns when it says that all is ready; one that runs already is shown. */
export async function up(directory: string, options: UpOptions): Promise<void> {
  if (runnerOf(directory) !== undefined) {
    showUrls(await whenRunning(directory), 'The cluster runs already');
    return;
  }
  mkdirSync(join(directory, 'logs'), { recursive: true });
  const began = performance.now();
  const logFile = join(directory, 'logs/runner.log');
  if (existsSync(logFile)) renameSync(logFile, `${logFile}.1`);
  const log = openSync(logFile, 'a');
  const clusterOptions: ClusterOptions = { directory, install: options.install, ...parseServices(options.services), ...parseComponents(options.components), ...parseExtras(options.extras) };
  const runner = spawn(process.execPath, [...smallHeap, fileURLToPath(new URL('runner.main.ts', import.meta.url)), JSON.stringify(clusterOptions)], {
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
    cwd: '/',
  });
  closeSync(log);
  // Without a handler Ctrl-C would end us, too, but before the runner had taken its start back.
  const interrupt = () => {
    say('stopping …');
    runner.kill('SIGTERM');
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);

  const outcome = await new Promise<Exclude<RunnerMessage, { kind: 'progress' }>>((resolve) => {
    runner.on('message', (message: RunnerMessage) => (message.kind === 'progress' ? say(`  ${message.line}`) : resolve(message)));
    runner.once('exit', (code, signal) => resolve({ kind: 'failed', code: undefined, message: `The runner ended (${signal ?? `exit code ${code}`}).\n${lastLines(logFile)}` }));
  });
  process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  if (outcome.kind !== 'ready') {
    if (runner.exitCode === null && runner.signalCode === null) await new Promise((resolve) => runner.once('exit', resolve));
    if (outcome.code !== 'already-running') throw new ClusterError(outcome.code ?? 'not-ready', outcome.message);
    showUrls(await whenRunning(directory), 'The cluster runs already');
    return;
  }
  runner.unref();
  if (options.timings) say(drawTimeline(outcome.timings));
  showUrls(await whenRunning(directory), `Ready in ${((performance.now() - began) / 1000).toFixed(1)} s`);
}

/** The runner waits, supervises and answers: it needs little memory, and a small young generation keeps it so. */
const smallHeap = ['--max-semi-space-size=1'];

/** Stops the cluster and returns when no process is left; what a crashed runner left is ended as well. */
export async function down(directory: string): Promise<void> {
  const status = await readStatus(directory);
  if (!status) {
    const left = await endLeftovers(directory);
    say(left.length > 0 ? `No runner; ended what it left behind: ${left.join(', ')}.` : `No cluster runs in ${directory}.`);
    return;
  }
  const everyone = status.processes.flatMap(({ pid }) => (pid === undefined ? [] : [{ pid, startTime: startTimeOf(pid) }]));
  await sendCommand(directory, { do: 'stop' });
  // A cluster inside of another program, such as the demo, leaves that program running: its lock tells the end then.
  while (runnerOf(directory) !== undefined || everyone.some(({ pid, startTime }) => pid !== status.pid && stillRuns(pid, startTime))) await sleep(50);
  say('Stopped; no process is left.');
}

/** @returns exit code: 0 when a cluster runs, 1 when none does */
export async function status(directory: string, json: boolean): Promise<number> {
  const status = await readStatus(directory);
  if (json) say(JSON.stringify(status ?? { directory, state: 'stopped', processes: [] }, undefined, 2));
  else if (!status) say(`No cluster runs in ${directory}.`);
  else showProcesses(status);
  return status ? 0 : 1;
}

/** Writes the log of a process, or those of all replicas of a service; `follow` stays until Ctrl-C. */
export async function logs(directory: string, name: string, follow: boolean): Promise<void> {
  const folder = join(directory, 'logs');
  const all = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.log')) : [];
  const pattern = new RegExp(`^${name.replaceAll(/[^a-z0-9-]/g, '')}(-\\d+)?\\.log$`);
  const files = all.filter((file) => pattern.test(file)).map((file) => join(folder, file));
  if (files.length === 0) throw new ClusterError('unknown-process', `There is no log of "${name}"; there are ${all.map((file) => file.slice(0, -4)).join(', ') || 'none'}.`);
  if (!follow) {
    for (const file of files) process.stdout.write(readFileSync(file, 'utf8'));
    return;
  }
  const tail = spawn('tail', ['-n', '50', '-F', ...files], { stdio: 'inherit' });
  await new Promise((resolve) => tail.once('exit', resolve));
}

async function whenRunning(directory: string): Promise<ClusterStatus> {
  for (;;) {
    const status = await readStatus(directory);
    if (status?.state === 'running') return status;
    if (runnerOf(directory) === undefined) throw new ClusterError('not-running', 'The cluster stopped while it was waited for.');
    await sleep(200);
  }
}

function parseServices(text: string | undefined): Pick<ClusterOptions, 'services'> {
  if (text === undefined || text === 'all') return {};
  if (text === 'none') return { services: 'none' };
  const pairs = text.split(',').map((pair) => pair.split('='));
  return { services: Object.fromEntries(pairs.map(([name, replicas]) => [name, Number(replicas ?? 2)])) };
}

function parseComponents(text: string | undefined): Pick<ClusterOptions, 'components'> {
  if (text === undefined || text === 'all') return {};
  const names = text === 'none' ? [] : text.split(',');
  const unknown = names.find((name) => !componentNames.includes(name as ComponentName));
  if (unknown !== undefined) throw new ClusterError('bad-option', `There is no component "${unknown}"; there are ${componentNames.join(', ')}.`);
  return { components: names as ComponentName[] };
}

/** What is unknown is told by the start itself. */
function parseExtras(text: string | undefined): Pick<ClusterOptions, 'with'> {
  return text === undefined ? {} : { with: text.split(',') as ExtraName[] };
}

function showUrls(status: ClusterStatus, heading: string): void {
  const { gateway, mail, kafka, prometheus, zipkin, postgres, pgbouncer, sessionRedis, cacheRedis } = status.urls as ClusterUrls;
  const runs = new Set(status.processes.map(({ name }) => name));
  const lines: [name: string, label: string, url: string][] = [
    ['haproxy', 'shop', gateway],
    ['mail', 'mail', mail],
    ['prometheus', 'metrics', prometheus],
    ['zipkin', 'traces', zipkin],
    ['kafka', 'kafka', kafka],
    ['postgres-primary', 'primary', postgres.primary],
    ['pgbouncer', 'pgbouncer', pgbouncer],
    ['session-redis', 'sessions', sessionRedis],
    ['cache-redis', 'cache', cacheRedis],
  ];
  say(`${heading}: ${status.processes.length} processes, ${megabytes(totalMemory(status))}, pid ${status.pid}, ${relative(process.cwd(), status.directory) || '.'}`);
  for (const [name, label, url] of lines) if (runs.has(name)) say(`  ${label.padEnd(10)} ${url.replace(/:[^:@/]+@/, ':…@')}`);
}

const megabytes = (kilobytes: number) => `${Math.round(kilobytes / 1024)} MiB`;
const totalMemory = ({ processes }: ClusterStatus) => processes.reduce((sum, { memoryKilobytes }) => sum + memoryKilobytes, 0);

function showProcesses(status: ClusterStatus): void {
  const rows = [
    ['NAME', 'KIND', 'PID', 'STATE', 'RESTARTS', 'MEMORY', 'PORTS'],
    ...status.processes.map(({ name, kind, pid, state, restarts, memoryKilobytes, ports }) => [
      name,
      kind,
      String(pid ?? '-'),
      state,
      String(restarts),
      megabytes(memoryKilobytes),
      Object.entries(ports).map(([port, number]) => `${port} ${number}`).join(', '),
    ]),
    ['', '', '', '', 'sum', megabytes(totalMemory(status)), ''],
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  for (const row of rows) say(row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd());
}
