import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** How long a client may take, in milliseconds; looked at every second, so an end can come that much later. */
export interface HttpTimeouts {
  /** Until the last header has arrived; then 408. Default 10,000. */
  headersMs?: number;
  /** Until the last byte of the body has arrived; then 408. Default 15,000. */
  requestMs?: number;
  /**
   * Between two requests. Default 72,000. Behind a balancer it must be longer than the balancer keeps a connection, else
   * a request can meet a connection that is just being closed.
   */
  keepAliveMs?: number;
}

export interface AdapterOptions {
  bodyLimit?: number | undefined;
  trustProxy?: boolean | string | string[] | undefined;
  timeouts?: HttpTimeouts | undefined;
}

/** Fastify with limits against slow and endless clients; its own defaults are no limits at all. */
export function createHttpAdapter({ bodyLimit = 65_536, trustProxy = false, timeouts = {} }: AdapterOptions = {}): FastifyAdapter {
  const { headersMs = 10_000, requestMs = 15_000, keepAliveMs = 72_000 } = timeouts;
  return new FastifyAdapter({
    bodyLimit,
    trustProxy,
    // What the router itself refuses, such as broken percent-encoding, never reaches an exception filter.
    frameworkErrors: ({ message, statusCode: status = 400 }: FastifyError, _request: FastifyRequest, reply: FastifyReply) =>
      reply
        .code(status)
        .headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
        .type('application/problem+json')
        .send(problemText(status, message)),
    clientErrorHandler: answerClientError,
    connectionTimeout: 60_000,
    requestTimeout: requestMs,
    keepAliveTimeout: keepAliveMs,
    forceCloseConnections: 'idle',
    http: { headersTimeout: headersMs, connectionsCheckingInterval: 1_000, maxHeaderSize: 16_384 },
  });
}

/** Answers what never became a request, as everything else is answered: too slow, too large a head, or no HTTP. */
function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const statuses: Record<string, number> = { ERR_HTTP_REQUEST_TIMEOUT: 408, HPE_HEADER_OVERFLOW: 431 };
  const status = statuses[error.code ?? ''] ?? 400;
  const body = problemText(status);
  if (!socket.writable) return void socket.destroy();
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nCache-Control: no-store\r\n` +
      `Content-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function problemText(status: number, detail?: string): string {
  return JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, detail });
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
