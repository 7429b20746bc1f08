import type { MemoryOptions } from './memory.level.ts';

export interface CacheOptions {
  /** Unique within the service, without colons, e.g. `product`: part of the keys and a label of the metrics. */
  name: string;
  /** Raise it whenever the shape of the values changes: versions never read each other's entries. */
  version: number;
  /** The level in this process. Without it every get asks Redis. */
  memory?: MemoryOptions;
  /** The level that the replicas share. Without it a value is loaded once per process. */
  redis?: {
    /** Milliseconds an entry is kept, give or take a tenth. */
    ttlMs: number;
  };
  /** Milliseconds for which it is remembered that the source has nothing. Default 5000; 0 never remembers. */
  negativeTtlMs?: number;
  /**
   * A cache of another service, whose keys are forgotten here as well as soon as they are there: for what is made of values
   * that the other service owns, under the same keys.
   */
  follows?: { service: string; cache: string };
  /**
   * Milliseconds beyond its time to live for which a value may serve while the source fails (RFC 5861, section 4). Default
   * 0. What was forgotten never does.
   */
  staleIfErrorMs?: number;
  /** Most loads at once in this process, each for one or many keys; more wait. Default 32. Lower it for a source that is weaker than that. */
  concurrentLoads?: number;
}
