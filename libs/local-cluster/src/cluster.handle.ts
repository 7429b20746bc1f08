import type { ProcessStatus } from './cluster.status.ts';
import type { ClusterUrls } from './cluster.urls.ts';
import type { Timing } from './timeline.ts';

/** - `starting` until all is ready, `running`, `stopping` until no process is left, `stopped`. */
export type ClusterState = 'starting' | 'running' | 'stopping' | 'stopped';

/** Handle of a cluster that this process runs. */
export interface Cluster {
  /** Its data folder. */
  readonly directory: string;
  readonly state: ClusterState;
  readonly urls: ClusterUrls;
  /** What the start was made of. */
  readonly timings: readonly Timing[];
  /** Resolves when it has stopped, whoever asked for that. */
  readonly stopped: Promise<void>;
  /** Every process as it is now; reads the memory of each, some tens of milliseconds of work. */
  processes(): ProcessStatus[];
  /**
   * Starts or drains replicas until the service has so many; resolves when they are ready, or gone.
   *
   * @throws ClusterError `unknown-process`, `bad-option`, `not-ready`
   */
  scale(service: string, replicas: number): Promise<void>;
  /** SIGKILL; the process is started again with backoff. @throws ClusterError `unknown-process` */
  kill(name: string): void;
  /** SIGSTOP: alive, connected and silent. @throws ClusterError `unknown-process` */
  pause(name: string): void;
  /** SIGCONT. @throws ClusterError `unknown-process` */
  resume(name: string): void;
  /** Ends it in order and leaves it ended, until `restart`. @throws ClusterError `unknown-process` */
  halt(name: string): Promise<void>;
  /** SIGTERM, and a new start; resolves when it is ready. @throws ClusterError `unknown-process`, `not-ready` */
  restart(name: string): Promise<void>;
  /** Ends services, then components, each in order or after its grace by SIGKILL. May be called more than once. */
  stop(): Promise<void>;
}
