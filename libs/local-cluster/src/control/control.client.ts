import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { ClusterError } from '../cluster.error.ts';
import type { ClusterErrorCode } from '../cluster.error.ts';
import { socketPath } from '../files.ts';
import type { ClusterStatus, Command } from './control.protocol.ts';

/** Asks the cluster of a folder how it is; undefined when none runs there. */
export async function readStatus(directory: string): Promise<ClusterStatus | undefined> {
  const answer = await exchange(directory);
  return answer === undefined ? undefined : (JSON.parse(answer) as ClusterStatus);
}

/** @throws ClusterError what the cluster answers, or `not-running` */
export async function sendCommand(directory: string, command: Command): Promise<void> {
  if ((await exchange(directory, command)) === undefined) throw new ClusterError('not-running', `No cluster runs in ${directory}. Start one: npm run cluster -- up`);
}

async function exchange(directory: string, command?: Command): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const call = request(
      { socketPath: socketPath(directory, 'control.sock'), path: '/', method: command ? 'POST' : 'GET', headers: { 'content-type': 'application/json' } },
      (response) => {
        text(response).then((body) => (response.statusCode === 200 ? resolve(body) : reject(errorFrom(body))), reject);
      },
    );
    call.once('error', (error: NodeJS.ErrnoException) => {
      // A socket that is missing, or that nobody listens at since its runner was killed.
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET') resolve(undefined);
      else reject(error);
    });
    call.end(command ? JSON.stringify(command) : undefined);
  });
}

function errorFrom(body: string): ClusterError {
  const { code, message } = JSON.parse(body) as { code?: ClusterErrorCode; message: string };
  return new ClusterError(code ?? 'command-failed', message);
}
