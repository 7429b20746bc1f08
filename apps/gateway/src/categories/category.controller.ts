import { Controller, Get, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { catalogCalls } from '@tenfold/contracts';
import { InjectCalls } from '@tenfold/rpc';
import type { CallClient } from '@tenfold/rpc';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Documented } from '../openapi/documented.decorator.ts';
import { cacheableAnswer, sendCacheable } from '../sessions/http-cache.ts';
import { AllowedTo } from '../sessions/allowed-to.decorator.ts';

@Controller('v1/categories')
export class CategoryController {
  constructor(@InjectCalls(catalogCalls) private readonly catalog: CallClient<typeof catalogCalls>) {}

  @Get()
  @RouteConfig({ statements: 1 })
  @AllowedTo('public')
  @Documented({ summary: 'List the categories', answers: { 200: catalogCalls.calls.listCategories.response, 304: null } })
  async list(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<string | undefined> {
    return sendCacheable(request, reply, cacheableAnswer(await this.catalog.listCategories({})));
  }
}
