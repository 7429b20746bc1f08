import { Reflector } from '@nestjs/core';

/**
 * Makes a route that creates something do so once for each `Idempotency-Key` that a client sends, and answer the same
 * again. For routes whose service does not do that itself, as orders do within the transaction.
 */
export const Idempotent = Reflector.createDecorator<true>();
