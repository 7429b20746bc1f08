import type { Call, CallContract, RequestOf, ResponseOf } from '@tenfold/contracts';

export interface CallOptions {
  /**
   * Milliseconds this call may take. The earliest counts of this, the context's deadline and the contract's default,
   * on a grid of 20 ms.
   */
  deadlineMs?: number;
  /** Gives up the call: it fails with `cancelled` and the handler's signal aborts. */
  signal?: AbortSignal;
}

/** One method for each call of the contract. Each throws a CallError. */
export type CallClient<Contract extends CallContract> = {
  readonly [Name in keyof Contract['calls']]: CallMethod<Contract['calls'][Name]>;
};

/**
 * A call. That of a stream gives its items as they are taken: the service is asked for no more than the caller is about
 * to take, and leaving the loop ends the handler's work.
 */
export type CallMethod<C extends Call> = (
  request: RequestOf<C>,
  options?: CallOptions,
) => C['stream'] extends true ? AsyncIterableIterator<ResponseOf<C>> : Promise<ResponseOf<C>>;
