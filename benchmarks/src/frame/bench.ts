import type { ClusterUrls, ComponentName } from '@tenfold/local-cluster';
import type { CpuClock, Peer } from './peer.ts';

/** A side-by-side comparison: the default export of a `<name>.bench.ts`. */
export interface Bench<Name extends string = string> {
  /** What is compared, in one line. */
  title: string;
  /** What one unit of work is, e.g. `request`. Times are given for one of it. */
  unit: string;
  /** The side that the others are compared with. */
  reference: NoInfer<Name>;
  /** What the bench must show; printed with each result, `met` or not. */
  goals?: readonly Goal<NoInfer<Name>>[];
  /** Servers of the local cluster that are started first. Default none; their addresses come as `surroundings.urls`. */
  servers?: readonly ComponentName[];
  /** Services of the shop that are started as well, each with its replicas, from bundles that are built first. Default none. */
  services?: Readonly<Record<string, number>>;
  /** Rounds that count, after the warm-up. Default 15; more narrow the interval by the root of their number. */
  rounds?: number;
  /** Milliseconds that a round of the slowest side takes. Default 500; more when one unit takes over 10 ms. */
  roundMs?: number;
  /** Milliseconds that each side runs before anything counts. Default 3000; more where hot code is made late, as in a whole service. */
  warmUpMs?: number;
  /** Makes the sides. What they open is closed by `surroundings.onEnd`. */
  setUp(surroundings: Surroundings): Promise<Record<Name, Side>> | Record<Name, Side>;
}

export interface Side {
  /**
   * Does `units` units of work. Each round asks every side for the same number, and all `result`s must be deeply equal:
   * a side that is fast because it does less is an error.
   */
  run(units: number): Outcome | Promise<Outcome>;
  /** Whose CPU time counts: `surroundings.ownCpu`, peers, or both. Default the bench's own process. */
  cpu?: readonly CpuClock[];
}

export interface Outcome {
  result: unknown;
  /** Further figures of this round as they are, e.g. `{ 'bytes': 81, 'p99 ms': 3.2 }`: the same names in each round. */
  measures?: Readonly<Record<string, number>>;
}

/** `cpu` and `wall` are microseconds for one unit; any other one is a name that a side's `measures` has. */
export interface Goal<Name extends string = string> {
  measure: string;
  of: Name;
  /** The goal is about the ratio `of / to`; without it, about the measure itself. */
  to?: Name;
  atLeast?: number;
  atMost?: number;
}

export interface ServiceCalls {
  secret: string;
  /** `host:port,…` of the replicas of each service. */
  addresses: Readonly<Record<string, string>>;
}

/** What a bench finds when it starts. */
export interface Surroundings {
  /** The servers that it asked for; superuser URLs. Data of a bench goes into databases and keys of its own. */
  urls: ClusterUrls;
  /** How to call the services that it asked for. */
  calls: ServiceCalls;
  ownCpu: CpuClock;
  /**
   * Starts `<name>.peer.ts` of the bench's folder in a process of its own, on another core than the bench's where there
   * are two; resolves when it is ready. It is ended with the bench.
   */
  startPeer<Information>(name: string, options?: unknown): Promise<Peer<Information>>;
  /** Runs when the bench has ended, the last one registered first. */
  onEnd(close: () => unknown): void;
}

/** Types a bench; the sides' names in goals are checked against those that `setUp` makes. */
export function defineBench<Name extends string>(bench: Bench<Name>): Bench<Name> {
  return bench;
}
