import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { root } from './cluster.options.ts';
import type { ClusterStatus } from './control/control.protocol.ts';
import { readProcessTable, stillRuns } from './process-table.ts';
import type { KnownProcess } from './state-file.ts';

/** A data folder of its own, below the checkout's, where the user that runs PostgreSQL can reach it. */
export function makeTestDirectory(): string {
  const parent = join(root, '.tenfold/cluster-tests');
  mkdirSync(parent, { recursive: true });
  return mkdtempSync(join(parent, 'c-'));
}

export function removeTestDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
}

/**
 * A public service as small as one can be: says who it is, drains on SIGTERM as real ones do. So supervision can be
 * tested without the shop.
 */
const greeter = `
import { createServer } from 'node:http';
const { REPLICA, HOST, OPERATIONS_PORT, HTTP_PORT, CALLS_PORT, DRAIN_DELAY_MS } = process.env;
let ready = true;
const listen = (port, answer) => {
  const server = createServer(answer);
  server.listen(Number(port), HOST);
  return server;
};
const servers = [
  listen(OPERATIONS_PORT, (request, response) => response.writeHead(ready ? 200 : 503).end()),
  listen(HTTP_PORT, (request, response) => response.end(JSON.stringify({ replica: REPLICA, headers: request.headers }))),
  listen(CALLS_PORT, (request, response) => response.end()),
];
process.on('SIGTERM', () => {
  ready = false;
  setTimeout(() => servers.forEach((server) => server.close(() => server.closeAllConnections())), Number(DRAIN_DELAY_MS)).unref();
  setTimeout(() => process.exit(0), Number(DRAIN_DELAY_MS) + 50);
});
`;

/** Writes the service `greeter` and returns the folders that make the cluster find it. */
export function writeGreeter(directory: string): { appsDirectory: string; bundlesDirectory: string } {
  const appsDirectory = join(directory, 'apps');
  const bundlesDirectory = join(directory, 'bundles');
  for (const folder of [appsDirectory, bundlesDirectory]) mkdirSync(join(folder, 'greeter'), { recursive: true });
  writeFileSync(join(appsDirectory, 'greeter/package.json'), JSON.stringify({ tenfold: { ports: ['operations', 'calls', 'http'], uses: ['session-redis'], background: true } }));
  writeFileSync(join(bundlesDirectory, 'greeter/main.js'), greeter);
  writeFileSync(join(bundlesDirectory, 'greeter/package.json'), '{ "type": "module" }');
  return { appsDirectory, bundlesDirectory };
}

const program = fileURLToPath(new URL('cluster.main.ts', import.meta.url));

/** The `cluster` command, as a child process of its own. */
export function startCommand(directory: string, args: readonly string[], environment: Record<string, string> = {}): ChildProcess {
  return spawn(process.execPath, [program, ...args], { env: { ...process.env, TENFOLD_DIRECTORY: directory, ...environment }, stdio: 'ignore' });
}

/** Runs the `cluster` command to its end. */
export function command(directory: string, args: readonly string[], environment: Record<string, string> = {}): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { env: { ...process.env, TENFOLD_DIRECTORY: directory, ...environment } }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr });
    });
  });
}

export async function statusOf(directory: string): Promise<ClusterStatus> {
  return JSON.parse((await command(directory, ['status', '--json'])).output) as ClusterStatus;
}

/** Everything that runs for the cluster right now: what its state file names, its runner, and the runner's children. */
export function everyProcess(directory: string): KnownProcess[] {
  const known = JSON.parse(readFileSync(join(directory, 'state.json'), 'utf8')) as KnownProcess[];
  const runner = JSON.parse(readFileSync(join(directory, 'lock.json'), 'utf8')) as KnownProcess;
  return [...known, { ...runner, name: 'runner' }];
}

/** Pid of the shell that watches over the runner's processes: its child that the state file does not name. */
export function watchdogOf(directory: string): number {
  const table = readProcessTable();
  const processes = everyProcess(directory);
  const runner = processes.find(({ name }) => name === 'runner')?.pid ?? 0;
  const others = new Set([runner, ...processes.filter(({ pid }) => pid !== runner).flatMap(({ pid }) => table.treeOf(pid))]);
  const watchdog = table.treeOf(runner).find((pid) => !others.has(pid));
  if (watchdog === undefined) throw new Error('no watchdog runs');
  return watchdog;
}

export const alive = (processes: readonly KnownProcess[]): KnownProcess[] => processes.filter(({ pid, startTime }) => stillRuns(pid, startTime));

/** Waits until something holds, and fails saying what. */
export async function eventually(what: string, holds: () => boolean | Promise<boolean>, withinMs = 15_000): Promise<void> {
  const until = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > until) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(50);
  }
}
