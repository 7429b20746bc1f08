import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** A TCP proxy before a real server, which tests make refuse or stall. */
export interface FaultProxy {
  port: number;
  /** Cuts every connection and refuses new ones. */
  refuse(): Promise<void>;
  /** Keeps connections open and takes new ones, but passes nothing on. */
  stall(): void;
  /** Passes on again, also what was held back. */
  heal(): Promise<void>;
  close(): Promise<void>;
}

export async function faultProxy(target: { host: string; port: number }): Promise<FaultProxy> {
  const sockets = new Set<Socket>();
  let stalled = false;
  const server = createServer((client) => {
    const upstream = connect(target);
    for (const [from, to] of [[client, upstream], [upstream, client]] as const) {
      sockets.add(from);
      from.pipe(to);
      if (stalled) from.unpipe(to).pause();
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
    peers.set(client, upstream).set(upstream, client);
  });
  const peers = new WeakMap<Socket, Socket>();
  const listen = async (port: number): Promise<void> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;

  const refuse = async (): Promise<void> => {
    if (server.listening) {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    }
  };
  return {
    port,
    refuse,
    close: refuse,
    stall() {
      stalled = true;
      for (const socket of sockets) socket.unpipe().pause();
    },
    async heal() {
      if (!server.listening) await listen(port);
      stalled = false;
      for (const socket of sockets) socket.unpipe().pipe(peers.get(socket) as Socket);
    },
  };
}

/** The same server, database and credentials, by way of a local port. */
export function urlThrough(port: number, url: string): string {
  const through = new URL(url);
  through.hostname = '127.0.0.1';
  through.port = String(port);
  return through.href;
}
