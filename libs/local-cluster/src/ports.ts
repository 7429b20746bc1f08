import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { ClusterError } from './cluster.error.ts';
import { writeAtomically } from './files.ts';

const loopback = '127.0.0.1';
/**
 * Where every server of the cluster listens: the environment's `TENFOLD_ADDRESS`, default loopback. Another one is for
 * containers and pods that use servers of this machine; whoever reaches it still needs their passwords.
 */
export const address = process.env['TENFOLD_ADDRESS'] || loopback;
/** Who may ask PostgreSQL, in the words of its pg_hba.conf. */
export const clientNetwork = address === loopback ? `${loopback}/32` : 'samenet';

/** Ports of the components under a fixed base; services follow behind them. */
const componentPorts = [
  'haproxy.http',
  'mail.http',
  'mail.smtp',
  'session-redis.redis',
  'cache-redis.redis',
  'kafka.kafka',
  'kafka.controller',
  'pgbouncer.postgresql',
  'postgres-primary.postgresql',
  'postgres-replica-1.postgresql',
  'postgres-replica-2.postgresql',
  'postgres-shard-1.postgresql',
  'haproxy.metrics',
  'kafka.metrics',
  'prometheus.http',
  'zipkin.http',
  'redis-exporter.http',
  'pgbouncer-exporter.http',
  'postgres-primary-exporter.http',
  'postgres-replica-1-exporter.http',
  'postgres-replica-2-exporter.http',
  'postgres-shard-1-exporter.http',
];
const firstServicePort = 40;
/** Replicas of one service that fit under a fixed base, and that HAProxy has slots for. */
export const maximumReplicas = 10;
const portKinds = ['http', 'calls', 'operations'];

/** Free ports are looked for here: above the well-known ones, below the ephemeral range, which Linux begins at 32768. */
const searchedRange = { from: 20_000, to: 32_000 };

/** Whether nobody listens on the port. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: address, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/**
 * The ports of one cluster: `TENFOLD_PORT_BASE` + a fixed offset, else free ones, kept in `ports.json` so that a
 * warm start uses them again where they are still free.
 */
export class Ports {
  readonly #file: string;
  readonly #base: number | undefined;
  readonly #services: readonly string[];
  readonly #kept: Record<string, number>;
  readonly #taken = new Map<string, number>();
  #next: number;

  /**
   * @param services all services of the checkout, in a stable order: a fixed base gives each its own range
   * @param base first port of a fixed range of 40 + 30 for each service; undefined looks for free ones
   */
  constructor(directory: string, services: readonly string[], base: number | undefined) {
    this.#file = join(directory, 'ports.json');
    this.#base = base;
    this.#services = services;
    this.#kept = readKeptPorts(this.#file);
    // Clusters of two folders begin their search far apart, so that both may start at one moment.
    const hash = createHash('sha256').update(directory).digest().readUInt16BE(0);
    this.#next = searchedRange.from + (hash % 300) * 40;
  }

  /**
   * The port called `<process>.<kind>`, the same one each time it is asked for.
   *
   * @throws ClusterError `port-taken`
   */
  async of(name: string): Promise<number> {
    const known = this.#taken.get(name);
    if (known !== undefined) return known;
    if (this.#base !== undefined) return this.#takeFixed(name, this.#base);
    return this.#takeFree(name);
  }

  /** Several ports of one process at once. */
  async ofProcess<Kind extends string>(process: string, kinds: readonly Kind[]): Promise<Record<Kind, number>> {
    const ports: Partial<Record<Kind, number>> = {};
    for (const kind of kinds) ports[kind] = await this.of(`${process}.${kind}`);
    return ports as Record<Kind, number>;
  }

  save(): void {
    writeAtomically(this.#file, `${JSON.stringify({ ...this.#kept, ...Object.fromEntries(this.#taken) }, undefined, 2)}\n`);
  }

  async #takeFixed(name: string, base: number): Promise<number> {
    const port = base + this.#offsetOf(name);
    this.#taken.set(name, port);
    if (await isPortFree(port)) return port;
    throw new ClusterError(
      'port-taken',
      `Port ${port}, which TENFOLD_PORT_BASE=${base} gives to ${name}, is taken by another process. ` +
        `Set another base, unset it to have free ports picked, or end that process (lsof -i :${port} names it).`,
    );
  }

  #offsetOf(name: string): number {
    const component = componentPorts.indexOf(name);
    if (component >= 0) return component;
    const [, service, replica, kind] = /^(.+)-(\d+)\.(\w+)$/.exec(name) ?? [];
    const index = this.#services.indexOf(service ?? '');
    if (index < 0 || Number(replica) > maximumReplicas) {
      throw new ClusterError('port-taken', `TENFOLD_PORT_BASE leaves no port for ${name}: there is room for ${maximumReplicas} replicas of each service.`);
    }
    return firstServicePort + index * maximumReplicas * portKinds.length + (Number(replica) - 1) * portKinds.length + portKinds.indexOf(kind ?? '');
  }

  async #takeFree(name: string): Promise<number> {
    const kept = this.#kept[name];
    if (kept !== undefined && ![...this.#taken.values()].includes(kept)) {
      this.#taken.set(name, kept);
      if (await isPortFree(kept)) return kept;
    }
    const reserved = new Set([...Object.values(this.#kept), ...this.#taken.values()]);
    for (let tries = 0; tries < searchedRange.to - searchedRange.from; tries += 1) {
      const port = this.#next;
      this.#next = port + 1 < searchedRange.to ? port + 1 : searchedRange.from;
      if (reserved.has(port)) continue;
      // Taken before it is tried: another process of this cluster may be asking at the same moment.
      this.#taken.set(name, port);
      if (await isPortFree(port)) return port;
    }
    throw new ClusterError('port-taken', `No port between ${searchedRange.from} and ${searchedRange.to} is free.`);
  }
}

function readKeptPorts(file: string): Record<string, number> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>;
  } catch {
    return {};
  }
}
