import { connect } from 'node:net';
import { join } from 'node:path';
import type { ClusterContext } from '../cluster.context.ts';
import { renderTemplate, socketPath, writeAtomically } from '../files.ts';
import { address, maximumReplicas } from '../ports.ts';

/** What a server slot should be. */
export interface Slot {
  /** From 1, the number of the gateway's replica. */
  number: number;
  state: 'ready' | 'drain' | 'maint';
  /** The replica's ports; needed for `ready`. */
  ports?: { http: number; operations: number };
}

/** Starts HAProxy with empty slots for gateway replicas. */
export async function startHaproxy(context: ClusterContext): Promise<void> {
  const { http, metrics } = await context.ports.ofProcess('haproxy', ['http', 'metrics']);
  const configFile = join(context.directory, 'config/haproxy.cfg');
  const adminSocket = socketPath(context.directory, 'haproxy.sock');
  const { CACHE = process.env['BALANCER_CACHE'] ?? 'on' } = context.environment['haproxy'] ?? {};
  const values = {
    LISTEN_ADDRESS: address,
    PORT: http,
    METRICS_PORT: metrics,
    ADMIN_SOCKET: adminSocket,
    SLOTS: maximumReplicas,
    CACHE: String(CACHE !== 'off'),
  };
  writeAtomically(configFile, renderTemplate(join(context.root, 'infra/haproxy/haproxy.cfg'), values));
  await context.run({
    name: 'haproxy',
    kind: 'component',
    command: context.programs.get('haproxy') ?? 'haproxy',
    args: ['-db', '-f', configFile],
    workingDirectory: context.directory,
    ports: { http, metrics },
    isReady: async () => (await command(adminSocket, ['show info'])).includes('Uptime'),
  });
}

/** Sets slots through the admin socket. */
export async function setSlots(directory: string, slots: readonly Slot[]): Promise<void> {
  const commands = slots.flatMap(({ number, state, ports }) => {
    const server = `gateway/gateway-${number}`;
    const place = ports
      ? [`set server ${server} addr ${address} port ${ports.http}`, `set server ${server} check-port ${ports.operations}`]
      : [];
    return [...place, `set server ${server} state ${state}`];
  });
  if (commands.length > 0) await command(socketPath(directory, 'haproxy.sock'), commands);
}

/** Sends commands of the runtime API (HAProxy management guide, 9.3) and returns the answers. */
function command(adminSocket: string, commands: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path: adminSocket });
    let answer = '';
    socket.setEncoding('utf8').setTimeout(2_000, () => socket.destroy(new Error('HAProxy did not answer in 2 s')));
    socket.on('data', (text: string) => (answer += text));
    socket.once('error', reject);
    socket.once('end', () => resolve(answer));
    socket.write(`${commands.join(';')}\n`);
  });
}
