import { expect, it } from 'vitest';
import { withoutDeclarations, withoutTests, withoutUnused } from './source.cuts.ts';

it('declarations go with their comments, and nothing else does', () => {
  const source = '/** One. */\nexport const one = 1;\n\n/** Two. */\nexport function two() {\n  return 2;\n}\n\nexport class Three {\n  /** Four. */\n  four() {}\n\n  five() {}\n}\n';
  expect(withoutDeclarations(source, ['two', 'four'])).toBe('/** One. */\nexport const one = 1;\n\nexport class Three {\n  five() {}\n}\n');
});

it('tests go that a pattern matches, rows of their tables, and groups that are left empty', () => {
  const source = `describe('a', () => {
  it.each([
    ['shop', 1],
    ['other', 2],
  ])('%s', () => {});

  it('sells', () => buy('shop'));
});

describe('b', () => {
  it.each(['x'])('shop %s', () => {});
});
`;
  expect(withoutTests(source, /shop/)).toBe(`describe('a', () => {
  it.each([
    ['other', 2],
  ])('%s', () => {});
});

`);
});

it('what nothing mentions any more goes, and what only that mentioned', () => {
  const source = "import { a, b, c, d } from 'letters';\nimport type { E } from './e.ts';\n\nconst used = b;\n\nconst unused = (value: E) => d(value);\n\nexport const kept = () => used.c;\n";
  expect(withoutUnused(source)).toBe("import { b } from 'letters';\n\nconst used = b;\n\nexport const kept = () => used.c;\n");
});
