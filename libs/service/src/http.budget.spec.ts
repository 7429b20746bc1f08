import { Controller, Get, Module } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { RouteConfig } from '@nestjs/platform-fastify';
import { spendStatements } from '@tenfold/telemetry';
import supertest from 'supertest';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Health } from './health.registry.ts';
import { createHttpApp } from './http.app.ts';

@Controller('readings')
class ReadingController {
  @Get('two')
  @RouteConfig({ statements: 2 })
  two(): string {
    spendStatements(1, 'select 1');
    spendStatements(1, 'select 2');
    return 'two';
  }

  @Get('undeclared')
  undeclared(): string {
    spendStatements(1, 'select 1');
    return 'one';
  }
}

@Module({ controllers: [ReadingController] })
class ReadingModule {}

let app: NestFastifyApplication;

beforeAll(async () => {
  app = await createHttpApp({ module: ReadingModule }, {}, { health: new Health(), logger: false, logAll: false });
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
});

afterAll(() => app.close());

test('a route may run the statements that it declares, and without a declaration none', async () => {
  const statusOf = async (path: string) => (await supertest(app.getHttpServer()).get(`/readings/${path}`)).status;
  expect(await statusOf('two')).toBe(200);
  expect(await statusOf('undeclared')).toBe(500);
});

test('what the list says reaches the log of the failure, not the client', async () => {
  const { text } = await supertest(app.getHttpServer()).get('/readings/undeclared').expect(500);
  expect(text).not.toContain('select');
});
