import { expect, test } from 'vitest';
import { headings, patterns, readPage } from './pattern-pages.ts';

test('there are patterns to measure', () => {
  expect([...patterns.keys()]).toContain('two-level-cache');
});

test.each([...patterns.keys()])('the page of %s says what every page says, and the command that measures it', (pattern) => {
  const page = readPage(pattern);

  expect([...page.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)).toEqual(headings);
  expect(page).toContain(`npm run prove -- ${pattern}`);
});
