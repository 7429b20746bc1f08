import { Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { CheckoutRepository } from './checkout.repository.ts';
import { CheckoutService } from './checkout.service.ts';

const intervalMs = 15_000;

/** Far beyond the deadline of an attempt: nobody works on it any more. */
const stuckAfterMs = 60_000;

/**
 * Ends checkouts that nobody carried on: a process died in the middle, and no client came again with the key. Their stock
 * goes back. Every replica looks; ending one twice changes nothing.
 */
@Injectable()
export class CheckoutReconciler implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #logger = new Logger(CheckoutReconciler.name);
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<unknown> | undefined;

  constructor(
    private readonly checkouts: CheckoutRepository,
    private readonly checkout: CheckoutService,
  ) {}

  onApplicationBootstrap(): void {
    this.#timer = setInterval(
      () => {
        this.#running ??= this.endStuck(stuckAfterMs).finally(() => {
          this.#running = undefined;
        });
      },
      // Replicas start together; they need not look together.
      intervalMs * (0.8 + 0.4 * Math.random()),
    ).unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  /** Never rejects. @returns how many were ended */
  async endStuck(olderThanMs: number): Promise<number> {
    let ended = 0;
    try {
      for (const { orderId, ...key } of await this.checkouts.findStuck(olderThanMs)) {
        if (await this.checkout.end(key, orderId)) ended += 1;
      }
    } catch (error) {
      this.#logger.warn({ msg: 'stuck checkouts could not be ended', err: error });
    }
    if (ended > 0) this.#logger.log(`stuck checkouts ended: ${ended}`);
    return ended;
  }
}
