import { connect } from 'node:net';
import { join } from 'node:path';
import type { ClusterContext } from '../cluster.context.ts';
import { makeDirectory, renderTemplate, writeAtomically } from '../files.ts';
import { address } from '../ports.ts';

/** Starts one of the two Redis servers, each with its own configuration in `infra/redis`. */
export async function startRedis(context: ClusterContext, name: 'session-redis' | 'cache-redis'): Promise<void> {
  const { secrets } = context;
  const port = await context.ports.of(`${name}.redis`);
  const data = join(context.directory, 'redis', name);
  makeDirectory(data);
  const template = join(context.root, 'infra/redis', name === 'session-redis' ? 'session.conf' : 'cache.conf');
  const configFile = join(context.directory, 'config', `${name}.conf`);
  const values = { LISTEN_ADDRESS: address, PORT: port, PASSWORD: secrets.redisPassword, DATA_DIRECTORY: data };
  writeAtomically(configFile, renderTemplate(template, values));
  await context.run({
    name,
    kind: 'component',
    command: context.programs.get('redis-server') ?? 'redis-server',
    args: [configFile],
    workingDirectory: data,
    ports: { redis: port },
    // LOADING is an answer, too: a server that still reads its append-only file is not ready.
    isReady: async (signal) => (await ask(port, `AUTH ${secrets.redisPassword}\r\nPING\r\n`, signal)).endsWith('+PONG\r\n'),
    advice: `If its data is broken, delete it (rm -rf ${data}) and start again: all sessions end.`,
  });
}

/** Sends inline commands and returns the first two lines of the answer. */
function ask(port: number, commands: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: address, signal });
    let answer = '';
    socket.setEncoding('utf8');
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed')));
    socket.on('data', (text: string) => {
      answer += text;
      if (answer.split('\r\n').length < 3) return;
      resolve(answer);
      socket.destroy();
    });
    socket.write(commands);
  });
}
