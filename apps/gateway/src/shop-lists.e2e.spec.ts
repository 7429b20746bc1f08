import { expect, it } from 'vitest';
import { adminCredentials, demoCredentials, logIn, newBrowser, placeOrder } from './shop.fixture.ts';

interface Listed {
  id: number;
  name: string;
  priceCents: number;
}

it.each([
  ['price', 'asc'],
  ['price', 'desc'],
  ['created', 'desc'],
] as const)('lists products by %s %s over pages, each once', async (sort, direction) => {
  const seen: Listed[] = [];
  let after: string | undefined;
  for (let page = 0; page < 3; page += 1) {
    const { body } = await newBrowser().get('/v1/products').query({ sort, direction, limit: 40, ...(after && { after }) }).expect(200);
    seen.push(...(body.items as Listed[]));
    after = body.next as string;
  }
  const keys = seen.map(({ id, priceCents }) => (sort === 'price' ? priceCents * 1e7 + id : id));
  expect(keys).toEqual(keys.toSorted((one, other) => (direction === 'asc' ? one - other : other - one)));
  expect(new Set(seen.map(({ id }) => id)).size).toBe(120);
});

it('refuses the cursor of another sort or direction', async () => {
  const { body } = await newBrowser().get('/v1/products').query({ sort: 'name' }).expect(200);
  for (const other of [{}, { sort: 'price' }, { sort: 'name', direction: 'desc' }]) {
    const { body: problem } = await newBrowser().get('/v1/products').query({ ...other, after: body.next }).expect(400);
    expect(problem.errors).toEqual([{ parameter: 'after', detail: 'is not a position in this list' }]);
  }
});

it('shows admins the orders of both shards with their customers, and nobody else', async () => {
  const placed = new Map<string, string>();
  for (const n of [1, 2, 3, 4, 5, 6]) {
    const credentials = demoCredentials(n);
    const { body } = await placeOrder(await logIn(credentials), [{ productId: n, quantity: 1 }]).expect(201);
    placed.set(body.id as string, credentials.email);
  }
  const admin = await logIn(adminCredentials);
  // Another session's orders show when the replicas have them.
  await expect
    .poll(async () => {
      const { body } = await admin.get('/v1/order-book').query({ limit: 50 }).expect(200);
      const items = body.items as { id: string; customer: { email: string } | null }[];
      return items.filter(({ id }) => placed.has(id)).map(({ id, customer }) => [id, customer?.email]);
    })
    .toEqual([...placed].toSorted(([one], [other]) => (one < other ? 1 : -1)));
  const { status } = await (await logIn(demoCredentials(1))).get('/v1/order-book');
  expect(status).toBe(403);
});

it('pages admins through all accounts by number', async () => {
  const admin = await logIn(adminCredentials);
  const { body: first } = await admin.get('/v1/accounts').query({ limit: 10 }).expect(200);
  const { body: far } = await admin.get('/v1/accounts').query({ limit: 10, page: 5 }).expect(200);
  expect(far.items).toHaveLength(10);
  expect(first.total).toBeGreaterThan(50);
  expect(far.items.map(({ id }: { id: string }) => id)).not.toContain(first.items[0].id);
});
