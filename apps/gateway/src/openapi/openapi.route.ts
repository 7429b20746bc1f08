import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { OpenAPIObject } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';

/**
 * Serves `GET /openapi.json`, and outside of production `GET /reference`, the same for people. The document is made when
 * first asked for, together with the library that makes it: a replica that nobody asks saves 12 MB.
 */
export function serveOpenApi(app: NestFastifyApplication, { withReference }: { withReference: boolean }): void {
  let document: Promise<OpenAPIObject> | undefined;
  const describe = () => (document ??= import('./openapi.document.ts').then(({ describeApi }) => describeApi(app)));
  const server = app.getHttpAdapter().getInstance();
  let text: string | undefined;
  server.get('/openapi.json', async (_request: FastifyRequest, reply: FastifyReply) => {
    text ??= JSON.stringify(await describe());
    void reply.header('cache-control', 'public, max-age=60').type('application/json; charset=utf-8');
    return text;
  });
  if (!withReference) return;
  server.get('/reference', async (_request: FastifyRequest, reply: FastifyReply) => {
    const { referencePage, referencePolicy } = await import('./reference.page.ts');
    void reply.header('content-security-policy', referencePolicy).type('text/html; charset=utf-8');
    return referencePage(await describe());
  });
}
