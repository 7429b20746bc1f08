import cookie from '@fastify/cookie';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { serveOpenApi } from './openapi/openapi.route.ts';
import { pictureTypes } from './pictures/picture.type.ts';
import { rememberRoutes } from './problems/known-routes.ts';
import { Problem } from './problems/problem.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Types of body that a route takes instead of JSON, as a stream. None that a form of another site can send (CORS safelist). */
    bodyTypes?: readonly string[];
  }
}

const bodyless = new Set(['GET', 'HEAD', 'OPTIONS']);
const json = ['application/json'];

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
    // Forms of other sites can send text and forms without asking first (CORS safelist), so a route takes what it names, or JSON.
    const { bodyTypes = json } = request.routeOptions.config;
    if (type === undefined || bodyless.has(request.method) || bodyTypes.includes(essenceOf(type))) done();
    else done(new Problem('unsupported-media-type', `Bodies must be ${bodyTypes.join(' or ')}.`));
  });
  server.addContentTypeParser([...pictureTypes], (_request, content, done) => done(null, content));
  await app.register(cookie);
  serveOpenApi(app);
}

/** A media type without its parameters. */
function essenceOf(type: string): string {
  return (type.split(';', 1)[0] ?? '').trim().toLowerCase();
}
