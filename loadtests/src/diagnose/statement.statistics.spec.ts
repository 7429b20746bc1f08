import { expect, it } from 'vitest';
import { statementsBetween } from './statement.statistics.ts';
import type { StatementCost } from './statement.statistics.ts';

const reading = (...costs: [statement: string, calls: number, milliseconds: number][]) =>
  new Map(costs.map(([statement, calls, milliseconds]): [string, StatementCost] => [statement, { node: 'primary', database: 'catalog', statement, calls, milliseconds }]));

it('statements are told by what they cost between two readings, the longest in sum first', () => {
  const before = reading(['select 1', 100, 5000], ['select 2', 10, 10]);
  const after = reading(['select 1', 110, 5001], ['select 2', 20, 30]);
  expect(statementsBetween(before, after)).toMatchObject([
    { statement: 'select 2', calls: 10, milliseconds: 20 },
    { statement: 'select 1', calls: 10, milliseconds: 1 },
  ]);
});

it('a statement that was not known before counts from nothing, and one that did not run is left out', () => {
  expect(statementsBetween(reading(['old', 7, 70]), reading(['old', 7, 70], ['new', 3, 9]))).toMatchObject([{ statement: 'new', calls: 3, milliseconds: 9 }]);
});
