import { chmodSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { ClusterError } from '../cluster.error.ts';
import type { Cluster } from '../cluster.handle.ts';
import { socketPath } from '../files.ts';
import type { ClusterStatus, Command } from './control.protocol.ts';

/** Lets the `cluster` command of another process see and steer a cluster: HTTP over a Unix socket that only its owner may open. */
export class ControlServer {
  readonly #cluster: Cluster;
  readonly #path: string;
  readonly #server: Server;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#path = socketPath(cluster.directory, 'control.sock');
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        const known = error instanceof ClusterError;
        response.writeHead(known ? 409 : 500, { 'content-type': 'application/json', connection: 'close' });
        response.end(JSON.stringify({ code: known ? error.code : undefined, message: (error as Error).message }));
      });
    });
  }

  /** To be called by the one that holds the folder's lock: a socket that lies there is left from a crash. */
  async listen(): Promise<void> {
    rmSync(this.#path, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#path, () => {
        chmodSync(this.#path, 0o600);
        resolve();
      });
    });
  }

  /** Waits for answers under way, that of `stop` among them. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = request.method === 'POST' ? await this.#run(JSON.parse(await text(request)) as Command) : this.#status();
    response.writeHead(200, { 'content-type': 'application/json', connection: 'close' });
    response.end(JSON.stringify(body));
  }

  #status(): ClusterStatus {
    const { state, directory } = this.#cluster;
    return { pid: process.pid, directory, state, ...(state === 'running' ? { urls: this.#cluster.urls } : {}), processes: this.#cluster.processes() };
  }

  async #run(command: Command): Promise<object> {
    switch (command.do) {
      case 'scale':
        await this.#cluster.scale(command.service, command.replicas);
        break;
      case 'kill':
      case 'pause':
      case 'resume':
      case 'restart':
        await this.#cluster[command.do](command.name);
        break;
      case 'stop':
        // Answered at once: who asked waits for this process to end.
        void this.#cluster.stop();
        break;
    }
    return {};
  }
}
