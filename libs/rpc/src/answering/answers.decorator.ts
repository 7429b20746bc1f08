import { MessagePattern } from '@nestjs/microservices';
import type { AnswerOf, Call, ValidRequestOf } from '@tenfold/contracts';

type Handler<C extends Call> = (request: ValidRequestOf<C>) => AnswerOf<C>;

/**
 * Makes a controller's method the answer to a call. It receives the request as validated; the deadline, the signal that
 * aborts when the caller gives up, and the positions are in `currentContext()`. The method of a stream is an async
 * generator: it goes on when the caller takes more, and ends at a `yield` when the caller is gone.
 */
export function Answers<C extends Call>(
  call: C,
): <H extends Handler<C>>(target: object, key: string | symbol, descriptor: TypedPropertyDescriptor<H>) => void {
  const decorate = MessagePattern(patternOf(call));
  return (target, key, descriptor) => {
    decorate(target, key, descriptor as PropertyDescriptor);
  };
}

/** Under which a call's handler is registered with Nest. */
export function patternOf(call: Call): string {
  return `${call.service}.${call.name}`;
}
