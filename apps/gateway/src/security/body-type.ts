import type { FastifyRequest } from 'fastify';
import { Problem } from '../problems/problem.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Types of body that a route takes instead of JSON, as a stream. None that a form of another site can send (CORS safelist). */
    bodyTypes?: readonly string[];
  }
}

const bodyless = new Set(['GET', 'HEAD', 'OPTIONS']);
const json = ['application/json'];
const withCharset = /^([^;]*[^;\s])\s*(?:;\s*(?:charset="?utf-8"?\s*)?)?$/i;

/**
 * Why the body of a request is not taken, if it is not. Forms of other sites can send text and forms without asking first
 * (Fetch standard, CORS-safelisted request-header), so a route takes what it names, or JSON: in UTF-8, and as it is, since
 * nothing here unpacks.
 */
export function refusalOfBody({ method, headers, routeOptions }: FastifyRequest): Problem | undefined {
  if (bodyless.has(method)) return undefined;
  const type = headers['content-type'];
  const { bodyTypes = json } = routeOptions.config;
  if (type !== undefined && !bodyTypes.includes(essenceOf(type))) {
    return new Problem('unsupported-media-type', `Bodies must be ${bodyTypes.join(' or ')}.`);
  }
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    return new Problem('unsupported-media-type', 'Bodies must not be compressed.', { headers: { 'accept-encoding': 'identity' } });
  }
  return undefined;
}

/** A media type without its parameters; itself, and so no known one, if these name another charset than UTF-8. */
function essenceOf(type: string): string {
  return (withCharset.exec(type)?.[1] ?? type).toLowerCase();
}
