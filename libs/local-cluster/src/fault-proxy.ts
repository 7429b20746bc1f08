import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A TCP proxy that a test puts before a real server, to make it fail as dead, slow and hung ones do. */
export interface FaultProxy {
  /** Where the proxy listens, on 127.0.0.1; the same one all the time. */
  readonly port: number;
  /** The target's URL through the proxy; its `host:port` when the target was given so. */
  readonly url: string;
  /** As if the process were dead: all connections are reset, new ones refused. */
  refuse(): Promise<void>;
  /** As if the network were slow: whatever the server sends arrives so many milliseconds later. */
  delay(ms: number): void;
  /** As if the process were paused: connections stay, new ones are taken, nothing is passed on in either direction. */
  stall(): void;
  /** Well again: passes on what was held back, in order, and listens again. */
  heal(): Promise<void>;
  /** Cuts all connections and stops listening, for good. */
  close(): Promise<void>;
}

/** Starts a proxy before a server: `{ host, port }`, `host:port`, or a URL of any scheme with a port. */
export async function faultProxy(target: { host: string; port: number } | string): Promise<FaultProxy> {
  const proxy = new TcpProxy(addressOf(target));
  await proxy.heal();
  const { port } = proxy;
  const url = typeof target === 'string' && target.includes('://') ? replacePort(target, port) : `127.0.0.1:${port}`;
  return {
    port,
    url,
    refuse: () => proxy.refuse(),
    delay: (ms) => proxy.delay(ms),
    stall: () => proxy.stall(),
    heal: () => proxy.heal(),
    close: () => proxy.refuse(),
  };
}

function addressOf(target: { host: string; port: number } | string): { host: string; port: number } {
  if (typeof target !== 'string') return target;
  const url = new URL(target.includes('://') ? target : `tcp://${target}`);
  if (!url.port) throw new Error(`${target} names no port`);
  return { host: url.hostname, port: Number(url.port) };
}

function replacePort(target: string, port: number): string {
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  return url.href;
}

class TcpProxy {
  readonly #target: { host: string; port: number };
  readonly #server = createServer({ allowHalfOpen: true }, (client) => this.#join(client));
  readonly #sockets = new Set<Socket>();
  #delayMs = 0;
  /** What a stalled proxy waits for. */
  #healed = Promise.withResolvers<void>();
  #port = 0;

  constructor(target: { host: string; port: number }) {
    this.#target = target;
    this.#healed.resolve();
  }

  get port(): number {
    return this.#port;
  }

  async refuse(): Promise<void> {
    this.#letGo();
    const closed = this.#server.listening ? new Promise((resolve) => this.#server.close(resolve)) : undefined;
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await closed;
  }

  delay(ms: number): void {
    this.#delayMs = ms;
  }

  stall(): void {
    this.#letGo();
    this.#healed = Promise.withResolvers<void>();
  }

  async heal(): Promise<void> {
    this.#delayMs = 0;
    this.#letGo();
    if (this.#server.listening) return;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#port, '127.0.0.1', () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  #letGo(): void {
    this.#healed.resolve();
  }

  #join(client: Socket): void {
    const server = connect({ ...this.#target, allowHalfOpen: true });
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.once('close', () => {
        this.#sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    this.#pass(client, server, () => 0);
    this.#pass(server, client, () => this.#delayMs);
  }

  /** Chunks leave in the order they came, each no sooner than its delay after it arrived. */
  #pass(from: Socket, to: Socket, delayMs: () => number): void {
    let last: Promise<void> = Promise.resolve();
    const inTurn = async (before: Promise<void>, due: Promise<void> | undefined, write: () => void): Promise<void> => {
      await before;
      await due;
      await this.#healed.promise;
      write();
    };
    from.on('data', (chunk) => {
      const delay = delayMs();
      last = inTurn(last, delay > 0 ? sleep(delay) : undefined, () => {
        if (!to.writable || to.write(chunk)) return;
        from.pause();
        to.once('drain', () => from.resume());
      });
    });
    from.once('end', () => {
      last = inTurn(last, undefined, () => to.end());
    });
  }
}
