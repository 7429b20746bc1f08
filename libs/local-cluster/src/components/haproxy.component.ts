import { connect } from 'node:net';
import { join } from 'node:path';
import type { ClusterContext } from '../cluster.context.ts';
import { socketPath, writeAtomically } from '../files.ts';
import { address } from '../ports.ts';
import { balancerSettings, haproxyConfig } from './haproxy.config.ts';

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
  const settings = balancerSettings(context.environment['haproxy'] ?? {});
  writeAtomically(configFile, haproxyConfig(context.root, { httpPort: http, metricsPort: metrics, adminSocket }, settings));
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

/** Sets slots through the admin socket of the cluster in that folder. */
export async function setSlots(directory: string, slots: readonly Slot[], weights: readonly number[] = []): Promise<void> {
  const commands = slots.flatMap(({ number, state, ports }) => {
    const server = `gateway/gateway-${number}`;
    const place = ports
      ? [`set server ${server} addr ${address} port ${ports.http}`, `set server ${server} check-port ${ports.operations}`]
      : [];
    const weight = weights[number - 1];
    const share = weight === undefined ? [] : [`set server ${server} weight ${weight}`];
    return [...place, ...share, `set server ${server} state ${state}`];
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
