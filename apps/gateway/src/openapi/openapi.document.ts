import { RequestMethod } from '@nestjs/common';
import type { Type } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA, ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { ModulesContainer, Reflector } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ApiBody, ApiConsumes, ApiCookieAuth, ApiHeader, ApiOperation, ApiResponse, ApiSecurity, ApiTags, DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import type { OpenAPIObject } from '@nestjs/swagger';
import { z } from 'zod';
import { Idempotent } from '../idempotency/idempotent.decorator.ts';
import { problemTypes } from '../problems/problem-types.ts';
import type { ProblemType } from '../problems/problem-types.ts';
import { problemDetails } from '../problems/problem.ts';
import { AllowedTo } from '../sessions/allowed-to.decorator.ts';
import type { Audience } from '../sessions/allowed-to.decorator.ts';
import { SessionCookie } from '../sessions/session.cookie.ts';
import { Documented } from './documented.decorator.ts';
import type { Documentation } from './documented.decorator.ts';

type Handler = (...args: unknown[]) => unknown;

interface Route {
  controller: Type;
  handler: Handler;
  audience: Audience;
  documentation: Documentation;
}

const reflector = new Reflector();
const described = new WeakSet<Handler>();
const keyDescription =
  '8 to 128 printable characters without spaces. The same key with the same body gets the first answer again, with the header ' +
  '`Idempotency-Replayed: true`, for a day.';
const problemContent = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };

/** The OpenAPI document of all routes, from the schemas that validate them and from what {@link Documented} adds. */
export function describeApi(app: NestFastifyApplication): OpenAPIObject {
  for (const route of routesOf(app)) {
    // Decorators leave their marks on the class itself, so a second application must not repeat them.
    if (!described.has(route.handler)) describeRoute(route);
    described.add(route.handler);
  }
  const settings = new DocumentBuilder()
    .setTitle('Tenfold shop')
    .setVersion('1')
    .setDescription('Errors are RFC 9457 problem details. Lists are pages: `next` is the `after` of the page that follows.')
    .addCookieAuth(app.get(SessionCookie).name, { type: 'apiKey', in: 'cookie' }, 'session')
    .build();
  const document = SwaggerModule.createDocument(app, settings, {
    operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}.${method}`,
  });
  document.components = {
    ...document.components,
    schemas: { ...document.components?.schemas, Problem: problemSchema() },
  };
  document.paths['/openapi.json'] = {
    get: { summary: 'This document', operationId: 'OpenApi.show', responses: { 200: { description: 'OpenAPI 3.0' } } },
  };
  return document;
}

function routesOf(app: NestFastifyApplication): Route[] {
  const controllers = [...app.get(ModulesContainer).values()].flatMap((module) => [...module.controllers.values()]);
  return controllers.flatMap(({ metatype }) => {
    const controller = metatype as Type;
    return Object.getOwnPropertyNames(controller.prototype).flatMap((name) => {
      const handler = (controller.prototype as Record<string, Handler>)[name];
      const documentation = handler && reflector.get(Documented, handler);
      if (!documentation) return [];
      return [{ controller, handler, documentation, audience: reflector.getAllAndOverride(AllowedTo, [handler, controller]) ?? 'account' }];
    });
  });
}

function describeRoute({ controller, handler, audience, documentation }: Route): void {
  const { summary, description, requestHeaders = {}, requestTypes, answers } = documentation;
  const decorators: MethodDecorator[] = [
    ApiTags(controller.name.replace(/Controller$/, '')),
    ApiOperation({ summary, ...(description !== undefined && { description }) }),
    ...Object.entries(requestHeaders).map(([name, text]) => ApiHeader({ name, required: true, description: text })),
    ...Object.entries(answers).map(([status, answer]) => answerDecorator(Number(status), answer)),
    ...(reflector.get(Idempotent, handler) ? [ApiHeader({ name: 'Idempotency-Key', required: false, description: keyDescription })] : []),
    ...problemDecorators(problemsOf(controller, handler, audience, documentation)),
  ];
  if (requestTypes) decorators.push(ApiConsumes(...requestTypes), ApiBody({ schema: { type: 'string', format: 'binary' } }));
  if (audience === 'account' || audience === 'admin') decorators.push(ApiCookieAuth('session'));
  // Either none, or the session's own.
  if (audience === 'visitor') decorators.push(ApiSecurity({}), ApiCookieAuth('session'));

  const prototype = controller.prototype as object;
  const descriptor = Object.getOwnPropertyDescriptor(prototype, handler.name);
  if (descriptor) for (const decorate of decorators) decorate(prototype, handler.name, descriptor);
}

function answerDecorator(status: number, answer: z.ZodType | string | null): MethodDecorator {
  if (answer === null) return ApiResponse({ status, description: status === 304 ? 'The client has it already' : 'Done' });
  if (typeof answer === 'string') return ApiResponse({ status, description: 'Done', content: { [answer]: { schema: answer === 'text/event-stream' ? eventSchema : { type: 'string' } } } });
  return ApiResponse({ status, description: 'Done', standardSchema: answer });
}

/** Of a stream, OpenAPI before 3.2 describes each event. */
const eventSchema = {
  type: 'object',
  properties: { event: { type: 'string' }, data: { type: 'string', description: 'JSON' } },
  required: ['event', 'data'],
};

/** One entry for each status, which names the problems that share it. */
function problemDecorators(types: readonly ProblemType[]): MethodDecorator[] {
  const byStatus = Map.groupBy(new Set(types), (type) => problemTypes[type].status);
  return [...byStatus].map(([status, group]) =>
    ApiResponse({
      status,
      description: group.map((type) => `\`/problems/${type}\`: ${problemTypes[type].title}`).join('; '),
      content: problemContent,
    }),
  );
}

function problemsOf(controller: Type, handler: Handler, audience: Audience, { problems = [], requestTypes }: Documentation): ProblemType[] {
  const inputs = Object.values<{ schema?: unknown }>(Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, handler.name) ?? {});
  const types: ProblemType[] = [...problems, 'internal', 'overloaded', 'unavailable', 'deadline-exceeded'];
  if (inputs.some((input) => input.schema)) types.push('invalid-request');
  if (/:\w/.test(pathOf(controller, handler))) types.push('uri-too-long');
  if (audience === 'account' || audience === 'admin') types.push('not-logged-in');
  if (audience === 'admin') types.push('forbidden');
  if (reflector.get(Idempotent, handler)) types.push('key-reused', 'in-progress');
  const method: unknown = Reflect.getMetadata(METHOD_METADATA, handler);
  if (method !== RequestMethod.GET) types.push('cross-origin', 'too-many-requests');
  if (method !== RequestMethod.GET && method !== RequestMethod.DELETE) {
    types.push('body-too-large', 'unsupported-media-type');
    if (!requestTypes) types.push('malformed-body');
  }
  return types;
}

function pathOf(controller: Type, handler: Handler): string {
  return [controller, handler].map((target) => String(Reflect.getMetadata(PATH_METADATA, target) ?? '')).join('/');
}

function problemSchema() {
  return z.toJSONSchema(problemDetails, { target: 'openapi-3.0' }) as NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>[string];
}
