import { expect, test } from 'vitest';
import { statementName } from './statement.name.ts';

test.each([
  ['SELECT "product"."id" AS "product_id" FROM "products" "product" WHERE id = $1', 'select products'],
  ['select count(*) from (select 1 from only orders) AS some', 'select orders'],
  ['INSERT INTO orders_2026_11 (id) VALUES ($1)', 'insert orders'],
  ['  UPDATE "stock" SET quantity = $1', 'update stock'],
  ['DELETE FROM outbox WHERE id = ANY ($1)', 'delete outbox'],
  ['WITH wanted AS (SELECT 1) INSERT INTO ledger SELECT * FROM wanted', 'with ledger'],
  ['START TRANSACTION READ ONLY', 'start'],
  ['COMMIT; SELECT pg_current_wal_insert_lsn()::text AS lsn', 'commit'],
  ['SELECT 1', 'select'],
  [`START TRANSACTION; INSERT INTO inbox (message_id) VALUES ('0193')`, 'start'],
  [`/* commit */ UPDATE stock SET quantity = 1; COMMIT`, 'commit'],
  [`INSERT INTO ledger (text) VALUES ('${'long '.repeat(1000)}')`, 'insert ledger'],
  ['/* listing.search */ SELECT id FROM products', 'listing.search'],
])('%s is called %s', (sql, name) => {
  expect(statementName(sql)).toBe(name);
});

test('there are never more than 100 names', () => {
  const names = new Set(Array.from({ length: 300 }, (_, index) => statementName(`SELECT 1 FROM table_${index}_x`)));

  expect(names.size).toBeLessThanOrEqual(101);
  expect(names).toContain('other');
});
