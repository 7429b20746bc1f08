import { STATUS_CODES } from 'node:http';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

export interface AdapterOptions {
  bodyLimit?: number | undefined;
  trustProxy?: boolean | string | string[] | undefined;
}

/**
 * Fastify with limits against slow and endless clients; its own defaults are no limits at all.
 * Behind a balancer, `keepAliveTimeout` must be longer than the balancer keeps a connection, else a request can meet a
 * connection that is just being closed.
 */
export function createHttpAdapter({ bodyLimit = 65_536, trustProxy = false }: AdapterOptions = {}): FastifyAdapter {
  return new FastifyAdapter({
    bodyLimit,
    trustProxy,
    // What the router itself refuses, such as broken percent-encoding, never reaches an exception filter.
    frameworkErrors: ({ message, statusCode: status = 400 }: FastifyError, _request: FastifyRequest, reply: FastifyReply) =>
      reply
        .code(status)
        .type('application/problem+json')
        .send(JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, detail: message })),
    connectionTimeout: 60_000,
    requestTimeout: 15_000,
    keepAliveTimeout: 72_000,
    forceCloseConnections: 'idle',
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 5_000, maxHeaderSize: 16_384 },
  });
}

/**
 * Closes the port and resolves when the last request in flight has its answer. Node closes only connections that are
 * idle at this moment; those that become idle later are closed every 100 ms.
 */
export async function closeListener(fastify: FastifyInstance): Promise<void> {
  const sweep = setInterval(() => fastify.server.closeIdleConnections(), 100);
  try {
    await fastify.close();
  } finally {
    clearInterval(sweep);
  }
}
