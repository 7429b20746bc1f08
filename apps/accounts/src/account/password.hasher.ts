import { Injectable } from '@nestjs/common';
import type { OnApplicationShutdown } from '@nestjs/common';
import { CallError } from '@tenfold/rpc';
import { gauge } from '@tenfold/telemetry';
import { Piscina } from 'piscina';
import { decoyHash } from './password.hash.ts';
import type { PasswordTask } from './password.thread.ts';

// Waiting hashes beyond this would outlast the callers' deadline of 5 s.
const longestQueue = 20;

const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/** Hashes passwords in worker threads: 0.2 s of work that must not hold up anything else. */
@Injectable()
export class PasswordHasher implements OnApplicationShutdown {
  readonly #threads = new Piscina<PasswordTask, string | boolean>({
    filename: new URL(`./password.thread.${ending}`, import.meta.url).href,
    minThreads: 1,
    maxThreads: 2,
    idleTimeout: 30_000,
    maxQueue: longestQueue,
  });
  /** Stands in for the hash of an account that does not exist. */
  readonly #decoy = decoyHash();

  constructor() {
    gauge({
      name: 'password_queue_size',
      help: 'Passwords that wait for a thread.',
      collect: (size) => size.set(this.#threads.queueSize),
    });
  }

  /** @throws CallError `overloaded` when too many wait already */
  async hash(password: string): Promise<string> {
    return (await this.#run({ password })) as string;
  }

  /**
   * @param against hash of the account; absent for an unknown one, which takes the same time and never matches
   * @throws CallError `overloaded` when too many wait already
   */
  async verify(password: string, against: string | undefined): Promise<boolean> {
    return (await this.#run({ password, against: against ?? this.#decoy })) as boolean;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#threads.close();
  }

  async #run(task: PasswordTask): Promise<string | boolean> {
    // The queue is looked at here, since piscina has no error code of its own for a full one.
    if (this.#threads.queueSize >= longestQueue) {
      throw new CallError('overloaded', 'too many passwords wait to be checked', { retryAfterMs: 1000 });
    }
    return this.#threads.run(task);
  }
}
