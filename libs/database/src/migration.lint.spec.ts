import { expect, test } from 'vitest';
import { hazardsOf } from './migration.lint.ts';

test.each([
  ['create index i on note (text)', 'create-index'],
  ['alter table note alter column id type bigint', 'alter-type'],
  ['alter table note add column kind text not null', 'not-null-column'],
  ['alter table note add column token uuid default gen_random_uuid()', 'volatile-default'],
  ['alter table note alter column kind set not null', 'set-not-null'],
  ['alter table note add constraint short check (length(text) < 9)', 'validated-constraint'],
  ['alter table note add foreign key (author) references author', 'validated-constraint'],
  ['alter table note add unique (text)', 'unique-constraint'],
  [`update note set text = ''`, 'change-all-rows'],
  ['cluster note using note_pkey', 'rewrite-table'],
  ['alter table note drop column text', 'drop-column'],
  ['drop table note', 'drop-table'],
  ['alter table note rename column text to body', 'rename'],
])('%s is caught by %s', async (sql, rule) => {
  expect(await hazardsOf(sql)).toMatchObject([{ rule, table: 'note' }]);
});

test.each([
  'create index concurrently i on note (text)',
  'alter table note add column kind text',
  `alter table note add column kind text not null default 'plain'`,
  'alter table note add column at timestamptz not null default now()',
  'alter table note add constraint short check (length(text) < 9) not valid',
  'alter table note validate constraint short',
  'alter table note add constraint u unique using index i',
  `update note set text = '' where id between 1 and 1000`,
  'create table author (id int primary key)',
])('%s is none', async (sql) => {
  expect(await hazardsOf(sql)).toEqual([]);
});
