import { createParamDecorator } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import { idempotencyKey } from '@tenfold/contracts';
import type { FastifyRequest } from 'fastify';
import { Problem } from '../problems/problem.ts';

/** @throws Problem `invalid-request` without a usable one */
export function readIdempotencyKey({ headers }: FastifyRequest): string {
  const key = idempotencyKey.safeParse(headers['idempotency-key']);
  if (key.success) return key.data;
  const [issue] = key.error.issues;
  const detail = `required: ${issue?.code === 'invalid_type' ? '8 to 128 printable characters without spaces' : issue?.message}`;
  throw new Problem('invalid-request', undefined, { errors: [{ header: 'Idempotency-Key', detail }] });
}

/** The `Idempotency-Key` header; answers 400 without a usable one. */
export const IdempotencyKey = createParamDecorator((_: unknown, context: ExecutionContext): string =>
  readIdempotencyKey(context.switchToHttp().getRequest<FastifyRequest>()),
);
