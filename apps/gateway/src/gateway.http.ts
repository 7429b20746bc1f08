import cookie from '@fastify/cookie';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { serveOpenApi } from './openapi/openapi.route.ts';
import { rememberRoutes } from './problems/known-routes.ts';
import { Problem } from './problems/problem.ts';

const bodyless = new Set(['GET', 'HEAD', 'OPTIONS']);
const json = /^application\/json\s*(;|$)/i;

/** What holds for every request, whichever route it is for. Called before the application is initialized. */
export async function configureHttp(app: NestFastifyApplication): Promise<void> {
  const server = app.getHttpAdapter().getInstance();
  server.decorateRequest('currentSession', undefined);
  rememberRoutes(server);
  app.enableCsrfProtection();

  server.addHook('onRequest', (request, reply, done) => {
    // What may be kept says so itself; everything else is about somebody.
    reply.header('cache-control', 'no-store');
    const type = request.headers['content-type'];
    // Forms of other sites can send any type but JSON without asking first (CORS safelist), so only JSON is taken.
    if (type === undefined || bodyless.has(request.method) || json.test(type)) done();
    else done(new Problem('unsupported-media-type', 'Bodies must be application/json.'));
  });
  await app.register(cookie);
  serveOpenApi(app);
}
