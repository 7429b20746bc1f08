import { MessagePattern } from '@nestjs/microservices';
import type { AnswerOf, Call, ValidRequestOf } from '@tenfold/contracts';
import { inStatementBudget } from '@tenfold/telemetry';
import { passingFailureOf } from './call.refusal.ts';

type Handler<C extends Call> = (request: ValidRequestOf<C>) => AnswerOf<C>;

/**
 * Makes a controller's method the answer to a call. It receives the request as validated; the deadline, the signal that
 * aborts when the caller gives up, and the positions are in `currentContext()`. The method of a stream is an async
 * generator: it goes on when the caller takes more, and ends at a `yield` when the caller is gone.
 *
 * It may run as many statements as the call declares; more are a `BudgetError`, in production a metric.
 */
export function Answers<C extends Call>(
  call: C,
): <H extends Handler<C>>(target: object, key: string | symbol, descriptor: TypedPropertyDescriptor<H>) => void {
  const decorate = MessagePattern(patternOf(call));
  return (target, key, descriptor) => {
    const method = descriptor.value;
    if (method) descriptor.value = answering(call, method);
    decorate(target, key, descriptor as PropertyDescriptor);
  };
}

/** Within its budget, and before Nest's filter sees a failure that will pass, and hides it. */
function answering<H extends (...parameters: never[]) => unknown>(call: Call, method: H): H {
  const owner = patternOf(call);
  const rethrow = (error: unknown): never => {
    throw passingFailureOf(error);
  };
  return function answer(this: unknown, ...parameters: never[]) {
    try {
      const result = call.stream ? method.apply(this, parameters) : inStatementBudget(owner, call.statements, () => method.apply(this, parameters));
      return result instanceof Promise ? result.catch(rethrow) : result;
    } catch (error) {
      return rethrow(error);
    }
  } as H;
}

/** Under which a call's handler is registered with Nest. */
export function patternOf(call: Call): string {
  return `${call.service}.${call.name}`;
}
