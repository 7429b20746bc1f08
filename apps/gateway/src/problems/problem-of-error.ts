import { HttpException } from '@nestjs/common';
import { CallError } from '@tenfold/rpc';
import { SessionError } from '@tenfold/session';
import { Problem, retryLater } from './problem.ts';
import type { ProblemType } from './problem-types.ts';

/** What a service's refusal is to the client. A code that is missing here is our own mistake: `internal`. */
const ofCallError: Readonly<Record<string, ProblemType>> = {
  'not-found': 'not-found',
  'wrong-credentials': 'wrong-credentials',
  'email-taken': 'email-taken',
  'key-reused': 'key-reused',
  'out-of-stock': 'out-of-stock',
  'unknown-product': 'unknown-product',
  'nothing-to-order': 'nothing-to-order',
  'report-over': 'report-over',
  'deadline-exceeded': 'deadline-exceeded',
};

/** What the HTTP layer's own refusals are, by status. */
const ofStatus: Readonly<Record<number, ProblemType>> = {
  400: 'invalid-request',
  403: 'cross-origin',
  408: 'request-timeout',
  413: 'body-too-large',
  414: 'uri-too-long',
  415: 'unsupported-media-type',
  503: 'overloaded',
};

const malformedBody = new Set(['FST_ERR_CTP_INVALID_JSON_BODY', 'FST_ERR_CTP_EMPTY_JSON_BODY', 'FST_ERR_CTP_INVALID_CONTENT_LENGTH']);

/** Turns whatever was thrown into one of the known problems. What the cause says stays in the log. */
export function problemOfError(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof CallError) return problemOfCallError(error);
  if (error instanceof SessionError) return problemOfSessionError(error);
  if (error instanceof HttpException) return problemOfHttpException(error);
  return new Problem('internal', undefined, { cause: error });
}

function problemOfCallError(error: CallError): Problem {
  switch (error.code) {
    case 'bad-cursor':
      return new Problem('invalid-request', undefined, {
        errors: [{ parameter: 'after', detail: 'is not a position in this list' }],
        cause: error,
      });
    case 'bad-request':
      return new Problem('invalid-request', undefined, {
        errors: (error.issues ?? []).map((issue) => ({ detail: `${issue.path.join('.')}: ${issue.message}` })),
        cause: error,
      });
    case 'overloaded':
      return retryLater('overloaded', error.retryAfterMs, error);
    case 'unavailable':
    case 'incompatible':
    case 'cancelled':
      return retryLater('unavailable', error.retryAfterMs, error);
    default: {
      const type = ofCallError[error.code];
      // The services' own words are meant for the client only where the contract declares the code.
      return type ? new Problem(type, error.message, { cause: error }) : new Problem('internal', undefined, { cause: error });
    }
  }
}

function problemOfSessionError(error: SessionError): Problem {
  switch (error.code) {
    case 'store-unavailable':
      return retryLater('unavailable', undefined, error);
    case 'session-ended':
      return new Problem('not-logged-in', 'The session is over. Log in again.', { cause: error });
    case 'cart-full':
      return new Problem('cart-full', undefined, { cause: error });
    default:
      return new Problem('internal', undefined, { cause: error });
  }
}

function problemOfHttpException(error: HttpException): Problem {
  const { cause } = error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (malformedBody.has(code) || cause instanceof SyntaxError) {
    return new Problem('malformed-body', error.message, { cause: error });
  }
  const type = ofStatus[error.getStatus()];
  if (type === undefined) return new Problem('internal', undefined, { cause: error });
  if (type === 'overloaded') return retryLater('overloaded', undefined, error);
  return new Problem(type, error.message, { cause: error });
}
