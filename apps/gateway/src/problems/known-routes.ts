import type { FastifyInstance } from 'fastify';

interface KnownRoute {
  methods: readonly string[];
  segments: readonly string[];
}

const routesOf = new WeakMap<FastifyInstance, KnownRoute[]>();

/** Notes every route that is registered from now on, so that a 404 can be told from a 405. */
export function rememberRoutes(server: FastifyInstance): void {
  const routes: KnownRoute[] = [];
  routesOf.set(server, routes);
  server.addHook('onRoute', ({ method, url }) => {
    routes.push({ methods: [method].flat(), segments: url.split('/') });
  });
}

/** The methods that the path of a URL is known under. Only asked once routing has failed, so it need not be fast. */
export function methodsOf(server: FastifyInstance, url: string): string[] {
  const segments = (url.split('?', 1)[0] ?? '').split('/');
  const methods = (routesOf.get(server) ?? [])
    .filter((route) => route.segments.length === segments.length && route.segments.every((part, index) => fits(part, segments[index])))
    .flatMap((route) => route.methods);
  return [...new Set(methods)].sort();
}

function fits(part: string, segment: string | undefined): boolean {
  return part.startsWith(':') ? segment !== '' : part === segment;
}
