import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { admin, startGateway } from '../gateway.fixture.ts';
import type { RunningGateway } from '../gateway.fixture.ts';
import { apiRoutes } from './api-routes.fixture.ts';
import type { ApiRoute } from './api-routes.fixture.ts';

let gateway: RunningGateway;
let routes: ApiRoute[];
let browser: ReturnType<RunningGateway['browser']>;

beforeAll(async () => {
  gateway = await startGateway({ SESSION_REDIS_URL: inject('servers').sessionRedis });
  routes = await apiRoutes(gateway);
  browser = gateway.browser();
  await browser.post('/v1/session').send(admin).expect(201);
});

afterAll(() => gateway.close());

const inHeader = { 'idempotency-key': 'closed-inputs-1' };

describe('inputs are closed', () => {
  it.each(['isAdmin', 'role', 'constructor', 'id', 'createdAt'])('every body refuses and names the unknown field %s', async (field) => {
    const withBody = routes.filter(({ takesBody }) => takesBody);
    expect(withBody.length).toBeGreaterThanOrEqual(4);
    for (const { method, path } of withBody) {
      const { body } = await browser[method](path).set(inHeader).send({ [field]: true }).expect(400);
      expect({ path, errors: body.errors }).toEqual({ path, errors: expect.arrayContaining([{ pointer: `#/${field}`, detail: 'is not known' }]) });
    }
  });

  it.each([
    ['sort', 'price;drop table products'],
    ['order', 'desc'],
    ['direction', "asc'--"],
    ['sort', 'price_cents'],
    ['sort', 'constructor'],
    ['filter', '{"$gt":""}'],
    ['where', '1=1'],
    ['fields', 'passwordHash'],
    ['offset', '-1'],
    ['page', '0'],
    ['limit[]', '1'],
    ['limit[$ne]', '1'],
  ])('every list refuses ?%s=%s', async (name, value) => {
    const lists = routes.filter(({ takesQuery }) => takesQuery);
    expect(lists.length).toBeGreaterThanOrEqual(2);
    for (const { path } of lists) {
      const { body } = await browser.get(path).query({ [name]: value }).expect(400);
      // Products have a sort and a direction, from a list that this is not on; accounts have pages, from 1.
      expect({ path, errors: body.errors }).toMatchObject({ path, errors: [{ parameter: name, detail: expect.stringMatching(/^(is not known|Invalid option|Too small)/) as string }] });
    }
  });

  it.each(["' or 1=1--", '../../etc/passwd', '%00', 'eyJhbGciOiJub25lIn0.e30.', '-1', '1e3', '[]', 'null', 'x'.repeat(600)])(
    'a cursor of %s is refused before any statement',
    async (after) => {
      const { body } = await browser.get('/v1/products').query({ after }).expect(400);
      expect(body.errors).toMatchObject([{ parameter: 'after' }]);
    },
  );
});
