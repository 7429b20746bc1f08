/** Something outside of the process that a service uses. */
export interface Dependency {
  /** Unique within the service, e.g. `database:catalog`. */
  name: string;
  /** Whether nothing at all can be served without it. Only then does readiness ask for it. */
  required: boolean;
  /**
   * Asks for it; throws when it does not answer as it should. At most 1 s, after which `signal` aborts; an answer is
   * kept for 250 ms.
   */
  check(signal: AbortSignal): unknown;
}

/** What the probes of a service are answered from. One per service, injectable everywhere. */
export class Health {
  readonly #dependencies = new Map<string, Dependency>();
  readonly #stopping = new AbortController();
  #phase: 'starting' | 'running' | 'draining' = 'starting';

  /** @throws Error when the name is taken */
  register(dependency: Dependency): void {
    if (this.#dependencies.has(dependency.name)) throw new Error(`Health: ${dependency.name} is registered twice`);
    this.#dependencies.set(dependency.name, dependency);
  }

  get dependencies(): readonly Dependency[] {
    return [...this.#dependencies.values()];
  }

  /** Where the service is in its life. Ready only while `running`. */
  get phase(): 'starting' | 'running' | 'draining' {
    return this.#phase;
  }

  /** Boot is finished; called by `runService`. */
  markRunning(): void {
    if (this.#phase === 'starting') this.#phase = 'running';
  }

  /** The process is about to stop; called by `runService`. There is no way back. */
  markDraining(): void {
    this.#phase = 'draining';
  }

  /** Aborts when no more work is taken: whatever would go on for long, such as a stream of events, ends then. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  /** The drain delay is over; called by `runService`. */
  markStopping(): void {
    this.#stopping.abort();
  }
}
