import { AsyncLocalStorage } from 'node:async_hooks';
import { counter } from './metrics.registry.ts';

/** Characters of a statement in the list of an error. */
const longestListed = 200;

/** Read once: what a process refuses must not change while it runs. */
const refuses = process.env['NODE_ENV'] !== 'production';

const exceeded = counter({
  name: 'statement_budget_exceeded_total',
  help: 'Requests and calls that ran more statements than they declare. Outside of production they fail instead.',
  labelNames: ['owner'],
});

/** More statements than a route or call declares: most often a read in a loop. A mistake of the program. */
export class BudgetError extends Error {
  override readonly name = 'BudgetError';
  readonly code = 'over-budget';
}

/** What one request or call has spent, and may spend. */
interface Budget {
  readonly owner: string;
  readonly limit: number;
  spent: number;
  /** What it was spent on; kept only where a list of it is thrown. */
  readonly items: string[];
  ended: boolean;
}

const storage = new AsyncLocalStorage<Budget | undefined>();

/**
 * Runs what answers a request or call, which may take `limit` statements. With more it fails, with the list of them, even
 * where it caught the error of the one too many; in production it goes on and is counted
 * (`statement_budget_exceeded_total{owner}`). What goes on after the answer is not counted.
 *
 * @param owner the route's template or the call's name: a label of the metric
 * @throws BudgetError
 */
export function inStatementBudget<Result>(owner: string, limit: number, run: () => Result): Result {
  const budget: Budget = { owner, limit, spent: 0, items: [], ended: false };
  const result = storage.run(budget, run);
  if (result instanceof Promise) return result.finally(() => end(budget)) as Result;
  return result;
}

/** Runs what a library does of its own accord, which who asked it cannot know of: nothing of it is counted. */
export function outsideStatementBudget<Result>(run: () => Result): Result {
  return storage.getStore() ? storage.run(undefined, run) : run();
}

/**
 * Counts statements about to run for the current request or call, if any.
 *
 * @param count more than one for a call, which declares how many it takes
 * @throws BudgetError outside of production, with the list of all of them, when these are too many
 */
export function spendStatements(count: number, what: string): void {
  const budget = storage.getStore();
  if (!budget || budget.ended || count === 0) return;
  const within = budget.spent <= budget.limit;
  budget.spent += count;
  if (refuses) {
    budget.items.push(count === 1 ? what : `${what} (${count})`);
    refuse(budget);
  } else if (within && budget.spent > budget.limit) exceeded.inc({ owner: budget.owner });
}

function end(budget: Budget): void {
  budget.ended = true;
  if (refuses) refuse(budget);
}

function refuse({ owner, limit, spent, items }: Budget): void {
  if (spent <= limit) return;
  const list = items.map((item, index) => `  ${index + 1}. ${item.replaceAll(/\s+/g, ' ').trim().slice(0, longestListed)}`);
  throw new BudgetError(`${owner} may run ${limit} statements and runs ${spent}. Read in one what it reads in a loop, or declare more:\n${list.join('\n')}`);
}
