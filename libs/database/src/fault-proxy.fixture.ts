import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** A TCP proxy before a real server that can be made to fail as a dead or a hung one does. */
export interface FaultProxy {
  /** The server's URL through the proxy. */
  url: string;
  /** Cuts all connections and refuses new ones. */
  refuse(): void;
  /** Accepts and keeps connections, and lets nothing through. */
  stall(): void;
  heal(): void;
  close(): Promise<void>;
}

export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let state: 'open' | 'refusing' | 'stalled' = 'open';
  const server = createServer((client) => {
    if (state === 'refusing') {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(Number(port), hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      const end = () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      };
      socket.on('error', end).on('close', end);
    }
    client.on('data', (data) => state !== 'stalled' && upstream.write(data));
    upstream.on('data', (data) => state !== 'stalled' && client.write(data));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const url = new URL(target);
  url.port = String((server.address() as AddressInfo).port);
  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    url: url.href,
    refuse() {
      state = 'refusing';
      cut();
    },
    stall() {
      state = 'stalled';
    },
    heal() {
      // What was swallowed while stalled would leave the protocol out of step.
      if (state === 'stalled') cut();
      state = 'open';
    },
    async close() {
      cut();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
