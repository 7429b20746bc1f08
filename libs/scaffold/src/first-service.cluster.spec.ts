import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { copyWorkspace } from './workspace-copy.fixture.ts';
import type { WorkspaceCopy } from './workspace-copy.fixture.ts';

/** A block of commands of the page, and the lines that they must print. */
interface Step {
  commands: string[];
  printed: string[];
}

const page = readFileSync(fileURLToPath(new URL('../../../docs/first-service.md', import.meta.url)), 'utf8');
const linesOf = (text: string | undefined) => (text ?? '').split('\n').filter((line) => line.trim() !== '');
const steps = [...page.matchAll(/```sh\n([^`]*)```\n(?:```\n([^`]*)```)?/g)].map(([, commands, printed]): Step => ({ commands: linesOf(commands), printed: linesOf(printed) }));

let copy: WorkspaceCopy;

beforeAll(() => {
  copy = copyWorkspace();
});

afterAll(() => copy.remove());

it('has steps', () => {
  expect(steps.map(({ commands }) => commands.length)).toEqual([1, 3, 1, 1, 1]);
});

it.each(steps.map((step) => [step.commands.join(' && '), step] as const))('%s', { timeout: 600_000 }, (_commands, { commands, printed }) => {
  const output = commands.map((command) => copy.run(command)).join('\n');
  for (const line of printed) expect(output).toContain(line);
});

it('leaves a clean checkout, without a mention of the service', () => {
  expect(copy.run('git status --porcelain')).toBe('');
  expect(copy.run(`git grep -lE 'paymentsCalls|PaymentsModule|apps/payments' -- . ':!docs' ':!libs/scaffold' || true`)).toBe('');
});
