import cookie from '@fastify/cookie';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { HttpOptions } from '@tenfold/service';
import type { GatewayConfig } from './gateway.settings.ts';
import { serveOpenApi } from './openapi/openapi.route.ts';
import { pictureTypes } from './pictures/picture.type.ts';
import { rememberRoutes } from './problems/known-routes.ts';
import { priorityOf } from './limits/route-priority.ts';
import { refusalOfBody } from './security/body-type.ts';
import { securityHeaders } from './security/security-headers.ts';

/** How the gateway speaks HTTP: what holds for every request, whichever route it is for. */
export function httpOptions(config: GatewayConfig): Omit<HttpOptions, 'port'> {
  return {
    trustProxy: config.TRUSTED_PROXIES,
    deadlineMs: 5000,
    timeouts: { headersMs: config.HTTP_HEADERS_TIMEOUT_MS, requestMs: config.HTTP_REQUEST_TIMEOUT_MS },
    priorityOf,
    configure: (app) => configure(app, config),
  };
}

async function configure(app: NestFastifyApplication, config: GatewayConfig): Promise<void> {
  const server = app.getHttpAdapter().getInstance();
  server.decorateRequest('currentSession', undefined);
  rememberRoutes(server);
  app.useSecurityHeaders(securityHeaders(config));
  // Go's algorithm: Sec-Fetch-Site where a browser sends it, else Origin against Host. No route is exempt.
  app.enableCsrfProtection({ trustedOrigins: config.ALLOWED_ORIGINS });
  if (config.ALLOWED_ORIGINS.length > 0) {
    app.enableCors({ origin: config.ALLOWED_ORIGINS, credentials: true, maxAge: 600 });
  }

  server.addHook('onRequest', (request, reply, done) => {
    // What may be kept says so itself; everything else is about somebody.
    reply.header('cache-control', 'no-store');
    const refusal = refusalOfBody(request);
    if (refusal) done(refusal);
    else done();
  });
  server.addContentTypeParser([...pictureTypes], (_request, content, done) => done(null, content));
  await app.register(cookie);
  serveOpenApi(app, { withReference: config.NODE_ENV !== 'production' });
}
