import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { freePort } from '@tenfold/local-cluster/testing';
import { rolldown } from 'rolldown';
import { eventually, secret } from './calls.fixture.ts';

const output = fileURLToPath(new URL('../out-tsc/fixture', import.meta.url));
const started: ChildProcess[] = [];

/** A replica in a process of its own. */
export interface ReplicaProcess {
  process: ChildProcess;
  /** `host:port` of its calls. */
  address: string;
  /** URL of its operations port. */
  operations: string;
}

/** Bundles `calls.service.fixture.ts`, before the first process is started. */
export async function bundleService(): Promise<void> {
  const bundle = await rolldown({
    input: fileURLToPath(new URL('calls.service.fixture.ts', import.meta.url)),
    platform: 'node',
    tsconfig: fileURLToPath(new URL('../../../tsconfig.base.json', import.meta.url)),
    // The operations port's library lies beside `@tenfold/service` alone.
    external: /^(?!@tenfold\/|@oxc-project\/|@nestjs\/terminus)[\w@]/,
  });
  await bundle.write({ dir: output, format: 'esm', entryFileNames: '[name].mjs', chunkFileNames: '[name].mjs', keepNames: true });
  await bundle.close();
}

export async function startProcess(replica: string): Promise<ReplicaProcess> {
  const [port, operationsPort] = [await freePort(), await freePort()];
  const child = spawn(process.execPath, [`${output}/calls.service.fixture.mjs`], {
    env: {
      REPLICA: replica,
      OPERATIONS_PORT: String(operationsPort),
      CALLS_PORT: String(port),
      CALLS_SECRET: secret,
      DRAIN_DELAY_MS: '50',
      LOG_LEVEL: 'error',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  started.push(child);
  await eventually(() => accepts(port));
  return { process: child, address: `127.0.0.1:${port}`, operations: `http://127.0.0.1:${operationsPort}` };
}

/** Kills what is still running. */
export async function endProcesses(): Promise<void> {
  for (const child of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'close');
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
