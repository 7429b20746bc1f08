import { Body, Controller, Get, Param, Patch, Query, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { catalogCalls, cursor, product, productChange, productSummary } from '@tenfold/contracts';
import type { Product } from '@tenfold/contracts';
import { InjectCalls } from '@tenfold/rpc';
import type { CallClient } from '@tenfold/rpc';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Documented } from '../openapi/documented.decorator.ts';
import { AllowedTo } from '../sessions/allowed-to.decorator.ts';
import { cacheableAnswer, readPastSharedCaches, sendCacheable } from '../sessions/http-cache.ts';
import { ProductAnswers } from './product.answers.ts';
import { namedProduct, productQuery } from './product.request.ts';
import type { ProductQuery } from './product.request.ts';

/** Summaries for a page of the catalog, whole products for given ids. */
const productPage = z.strictObject({
  items: z.union([z.array(productSummary), z.array(product)]),
  next: cursor.nullable(),
});

@Controller('v1/products')
export class ProductController {
  constructor(
    @InjectCalls(catalogCalls) private readonly catalog: CallClient<typeof catalogCalls>,
    private readonly answers: ProductAnswers,
  ) {}

  @Get()
  @RouteConfig({ statements: 4 })
  @AllowedTo('public')
  @Documented({ summary: 'Browse, search, or get products by id', answers: { 200: productPage, 304: null } })
  async list(
    @Query({ schema: productQuery }) { ids, ...filter }: ProductQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string | undefined> {
    const page = ids ? { ...(await this.catalog.getProducts({ ids })), next: null } : await this.catalog.listProducts(filter);
    return sendCacheable(request, reply, cacheableAnswer(page));
  }

  @Get(':id')
  @RouteConfig({ statements: 1 })
  @AllowedTo('public')
  @Documented({ summary: 'Get a product', answers: { 200: product, 304: null }, problems: ['not-found'] })
  async show(
    @Param({ schema: namedProduct }) { id }: z.output<typeof namedProduct>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string | undefined> {
    return sendCacheable(request, reply, await this.answers.of(id, request));
  }

  @Patch(':id')
  @RouteConfig({ statements: 4 })
  @AllowedTo('admin')
  @Documented({ summary: 'Change a product', answers: { 200: product }, problems: ['not-found'] })
  async change(
    @Param({ schema: namedProduct }) { id }: z.output<typeof namedProduct>,
    @Body({ schema: productChange }) change: z.output<typeof productChange>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Product> {
    const changed = await this.catalog.changeProduct({ id, change });
    readPastSharedCaches(request, reply);
    await this.answers.forget(id);
    return changed;
  }
}
