import type { Message, PayloadOf } from '@tenfold/contracts';
import type { Delivery, UnmarkedDelivery } from './delivery.ts';

export interface HandlesOptions {
  /**
   * Whether the message is marked in this service's database, in the transaction of the handler. Default true.
   * False for a service without a database, and where a second run does no harm (forgetting a cache entry): it saves
   * the transaction.
   */
  inbox?: boolean;
}

/** A method that handles a message, as declared by {@link Handles}. */
export interface HandlerDeclaration {
  message: Message;
  inbox: boolean;
}

const declarations = new WeakMap<object, HandlerDeclaration>();

type MethodDecoratorOf<Payload, Given> = <Method extends (payload: Payload, delivery: Given) => Promise<void>>(
  target: object,
  name: string | symbol,
  descriptor: TypedPropertyDescriptor<Method>,
) => void;

/**
 * Makes a method of a provider the one handler of a message in this service. When it throws or takes longer than the
 * message's `timeoutMs`, its transaction is rolled back and the message is tried again after the delays that it
 * declares; then it becomes a dead letter. Later messages of the same key do not wait for the further attempts.
 */
export function Handles<M extends Message, const Options extends HandlesOptions = HandlesOptions>(
  message: M,
  options?: Options,
): MethodDecoratorOf<PayloadOf<M>, Options extends { inbox: false } ? UnmarkedDelivery : Delivery> {
  return (_target, _name, descriptor) => {
    if (descriptor.value) declarations.set(descriptor.value, { message, inbox: options?.inbox ?? true });
  };
}

/** What {@link Handles} declared of a method; undefined for any other. */
export function declarationOf(method: object): HandlerDeclaration | undefined {
  return declarations.get(method);
}
