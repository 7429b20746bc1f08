import { expect, test, vi } from 'vitest';
import { inStatementBudget, outsideStatementBudget, registry, spendStatements } from './index.ts';

const spend = async (times: number) => {
  for (let time = 1; time <= times; time += 1) {
    await Promise.resolve();
    spendStatements(1, `select ${time}\n  from products`);
  }
};

test('who stays within a budget notices nothing of it', async () => {
  await expect(inStatementBudget('catalog.getProducts', 3, () => spend(3).then(() => 'answer'))).resolves.toBe('answer');
});

test('one statement too many is refused, with the list of all of them', async () => {
  const error: Error = await inStatementBudget('catalog.getProducts', 2, () => spend(5)).catch((thrown: Error) => thrown) as Error;
  expect(error).toMatchObject({ name: 'BudgetError', code: 'over-budget' });
  expect(error.message).toMatch(/^catalog\.getProducts may run 2 statements and runs 3\./);
  expect(error.message.split('\n').slice(1)).toEqual(['  1. select 1 from products', '  2. select 2 from products', '  3. select 3 from products']);
});

test('catching the refusal does not help', async () => {
  await expect(inStatementBudget('catalog.getProducts', 0, () => spend(1).catch(() => 'swallowed'))).rejects.toThrow('may run 0 statements and runs 1');
});

test('a call counts for all that it declares', async () => {
  const ask = async () => spendStatements(4, 'catalog.listProducts');
  await expect(inStatementBudget('GET /v1/products', 3, ask)).rejects.toThrow('1. catalog.listProducts (4)');
  await inStatementBudget('GET /v1/products', 4, ask);
});

test('each of two at once has its own, and what belongs to none has no limit', async () => {
  await expect(Promise.all([1, 2].map(() => inStatementBudget('catalog.getProduct', 3, () => spend(3))))).resolves.toBeDefined();
  await expect(spend(3)).resolves.toBeUndefined();
  await expect(inStatementBudget('catalog.getProduct', 0, () => outsideStatementBudget(() => spend(3)))).resolves.toBeUndefined();
});

test('what goes on after the answer is not counted', async () => {
  let later: Promise<void> | undefined;
  await inStatementBudget('catalog.getProduct', 0, async () => {
    later = new Promise((resolve) => setImmediate(resolve)).then(() => spend(2));
  });
  await expect(later).resolves.toBeUndefined();
});

test('in production it goes on, and is counted once for each answer', async () => {
  vi.resetModules();
  vi.stubEnv('NODE_ENV', 'production');
  registry.clear();
  const production = await import('./index.ts');
  const run = (times: number) =>
    production.inStatementBudget('catalog.getProducts', 2, async () => {
      for (let time = 0; time < times; time += 1) production.spendStatements(1, 'select');
    });
  await run(2);
  await run(5);
  await run(3);
  vi.unstubAllEnvs();
  expect(await production.registry.metrics()).toContain('statement_budget_exceeded_total{owner="catalog.getProducts"} 2');
});
