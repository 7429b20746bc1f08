import type { Message, PayloadOf } from '@tenfold/contracts';
import type { BatchLimits } from './batch.runner.ts';
import type { BatchDelivery, BatchFailure, Delivery, TrackedDelivery, UnmarkedDelivery } from './delivery.ts';

export interface HandlesOptions {
  /**
   * Whether the message is marked in this service's database, in the transaction of the handler. Default true.
   * False for a service without a database, and where a second run does no harm (forgetting a cache entry): it saves
   * the transaction.
   */
  inbox?: boolean;
  /**
   * For long jobs: keeps state, progress, checkpoint and result under the message's id, to be asked of `JobStates`. The
   * method takes a {@link TrackedDelivery} and returns the result, as JSON. It runs without a transaction and, after a
   * crash, again from its last checkpoint; once it is done or cancelled, no more. Default false.
   */
  tracked?: boolean;
  /**
   * Handles many messages in one transaction: the method takes a list of payloads and a {@link BatchDelivery}. It may
   * return those that failed; when it throws, it is called again for each message alone. For work of which many cost
   * little more than one. `size` default 100, `lingerMs` (how long the first waits for others) default 0.
   */
  batch?: Partial<BatchLimits>;
}

/** A method that handles a message, as declared by {@link Handles}. */
export interface HandlerDeclaration {
  message: Message;
  inbox: boolean;
  tracked: boolean;
  batch: BatchLimits | undefined;
}

const batchDefaults: BatchLimits = { size: 100, lingerMs: 0 };

const declarations = new WeakMap<object, HandlerDeclaration>();

type MethodOf<Payload, Options> = Options extends { batch: object }
  ? (payloads: readonly Payload[], delivery: BatchDelivery) => Promise<void | readonly BatchFailure[]>
  : Options extends { tracked: true }
    ? (payload: Payload, delivery: TrackedDelivery) => Promise<unknown>
    : (payload: Payload, delivery: Options extends { inbox: false } ? UnmarkedDelivery : Delivery) => Promise<void>;

type MethodDecoratorOf<Handler> = <Method extends Handler>(
  target: object,
  name: string | symbol,
  descriptor: TypedPropertyDescriptor<Method>,
) => void;

/**
 * Makes a method of a provider the one handler of a message in this service. When it throws or takes longer than the
 * message's `timeoutMs`, its transaction is rolled back and the message is tried again after the delays that it
 * declares; then it becomes a dead letter. Later messages of the same key wait for the further attempts only when the
 * message is `ordered`.
 */
export function Handles<M extends Message, const Options extends HandlesOptions = HandlesOptions>(
  message: M,
  options?: Options,
): MethodDecoratorOf<MethodOf<PayloadOf<M>, Options>> {
  const batch = options?.batch && { ...batchDefaults, ...options.batch };
  return (_target, _name, descriptor) => {
    const { tracked = false, inbox = !tracked } = options ?? {};
    if (descriptor.value) declarations.set(descriptor.value, { message, inbox, tracked, batch });
  };
}

/** What {@link Handles} declared of a method; undefined for any other. */
export function declarationOf(method: object): HandlerDeclaration | undefined {
  return declarations.get(method);
}
