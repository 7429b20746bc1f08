import { Inject, Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { CheckoutRepository } from './checkout.repository.ts';
import { CheckoutService } from './checkout.service.ts';
import { PaymentRepository } from '../payment/payment.repository.ts';

/** Milliseconds that an order may await its payment. */
export const PAYMENT_LIMIT_MS = Symbol('payment limit');

const intervalMs = 15_000;

/** Far beyond the deadline of an attempt: nobody works on it any more. */
const stuckAfterMs = 60_000;

/**
 * Ends checkouts that nobody carried on: a process died in the middle, and no client came again with the key; or the
 * payment has not been settled in time. Their stock goes back. Every replica looks; ending one twice changes nothing.
 */
@Injectable()
export class CheckoutReconciler implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #logger = new Logger(CheckoutReconciler.name);
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<unknown> | undefined;

  constructor(
    private readonly checkouts: CheckoutRepository,
    private readonly checkout: CheckoutService,
    private readonly payments: PaymentRepository,
    @Inject(PAYMENT_LIMIT_MS) private readonly paymentLimitMs: number,
  ) {}

  onApplicationBootstrap(): void {
    this.#timer = setInterval(
      () => {
        this.#running ??= Promise.all([this.endStuck(stuckAfterMs), this.endUnpaid(this.paymentLimitMs)]).finally(() => {
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
    const ended = await this.#endAll('stuck checkouts could not be ended', () => this.checkouts.findStuck(olderThanMs), ({ orderId, ...key }) => this.checkout.end(key, orderId));
    if (ended > 0) this.#logger.log(`stuck checkouts ended: ${ended}`);
    return ended;
  }

  /**
   * Cancels orders that have not been paid for so long, and has cancelling gone on with that stopped on its way. Never
   * rejects.
   *
   * @returns how many
   */
  async endUnpaid(olderThanMs: number): Promise<number> {
    const ended = await this.#endAll('unpaid orders could not be cancelled', () => this.payments.findUnpaid(olderThanMs), (order) => this.payments.giveUp(order));
    if (ended > 0) this.#logger.log(`unpaid orders given up: ${ended}`);
    return ended;
  }

  /** Ends what is found, one after the other, until one fails. @returns how many it ended */
  async #endAll<Found>(failure: string, find: () => Promise<readonly Found[]>, end: (found: Found) => Promise<boolean>): Promise<number> {
    let ended = 0;
    try {
      for (const found of await find()) {
        if (await end(found)) ended += 1;
      }
    } catch (error) {
      this.#logger.warn({ msg: failure, err: error });
    }
    return ended;
  }
}
