import type { RunningGateway } from '../gateway.fixture.ts';

/** One operation of the running gateway, as its own OpenAPI document names it. */
export interface ApiRoute {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** With a value in place of each parameter. */
  path: string;
  changes: boolean;
  /** Whether it takes JSON. */
  takesBody: boolean;
  takesQuery: boolean;
}

const values: Record<string, string> = { productId: '7' };

/** Every route that the gateway serves, so that a test of all routes cannot miss the next one. */
export async function apiRoutes(gateway: RunningGateway): Promise<ApiRoute[]> {
  const { body } = await gateway.browser().get('/openapi.json').expect(200);
  interface Operation {
    requestBody?: { content: Record<string, unknown> };
    parameters?: { in: string }[];
  }
  const paths = Object.entries(body.paths as Record<string, Record<string, Operation>>);
  return paths.flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { requestBody, parameters = [] }]) => ({
      method: method as ApiRoute['method'],
      path: path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? (path.includes('products') ? '7' : '3f2c0f0e-96b4-4c55-8b5f-62c2a4c1f6ad')),
      changes: method !== 'get',
      takesBody: requestBody?.content['application/json'] !== undefined,
      takesQuery: parameters.some((parameter) => parameter.in === 'query'),
    })),
  );
}
