import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';

/**
 * Serves `GET /openapi.json`. The document is made when first asked for, together with the library that makes it: a
 * replica that nobody asks saves 12 MB.
 */
export function serveOpenApi(app: NestFastifyApplication): void {
  let document: Promise<string> | undefined;
  app
    .getHttpAdapter()
    .getInstance()
    .get('/openapi.json', async (_request: FastifyRequest, reply: FastifyReply) => {
      document ??= import('./openapi.document.ts').then(({ describeApi }) => JSON.stringify(describeApi(app)));
      void reply.header('cache-control', 'public, max-age=60').type('application/json; charset=utf-8');
      return document;
    });
}
