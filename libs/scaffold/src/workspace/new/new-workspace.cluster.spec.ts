import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyWorkspace } from '../../workspace-copy.fixture.ts';
import type { WorkspaceCopy } from '../../workspace-copy.fixture.ts';
import { makeFrom } from './new-workspace.fixture.ts';

let template: WorkspaceCopy;

beforeAll(() => {
  template = copyWorkspace();
}, 300_000);

afterAll(() => template.remove());

const cases = [
  { what: 'with the shop', name: 'acme-shop', options: '--scope @acme --keep-shop', keepShop: true },
  { what: 'without the shop', name: 'acme', options: '--scope @acme', keepShop: false },
];

describe.each(cases)('a workspace $what', ({ name, options, keepShop }) => {
  let made: WorkspaceCopy;

  beforeAll(() => {
    made = makeFrom(template, name, options);
  }, 300_000);

  afterAll(() => made.remove());

  it('is a repository with one commit, of the whole checkout', () => {
    expect(made.run('git rev-list --count HEAD').trim()).toBe('1');
    expect(made.run('git status --porcelain')).toBe('');
  });

  it('names the template only where it says what it was made from', () => {
    expect(made.run('git grep -il tenfold').trim().split('\n')).toEqual(['README.md', 'template.json']);
    expect(made.run('git grep -ic tenfold README.md').trim()).toBe('README.md:1');
    expect(JSON.parse(readFileSync(join(made.directory, 'template.json'), 'utf8'))).toEqual({
      template: 'tenfold',
      commit: template.run('git rev-parse HEAD').trim(),
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/) as string,
      parameters: { name, scope: '@acme', keepShop },
      migrations: ['clients-take-certificates'],
    });
  });

  it('passes types', { timeout: 600_000 }, () => {
    expect(() => made.run('npm run typecheck')).not.toThrow();
  });

  it.skipIf(keepShop)('names no service of the shop where something runs', () => {
    const names = 'catalog|inventory|orders|worker';
    const pattern = `(${names})Calls|CALL_ADDRESSES_(${names.toUpperCase()})|\\.\\./apps/(${names})|${name}/(${names})`;
    expect(made.run(`git grep -nE '${pattern}' -- '*.ts' '*.yaml' '*.json' ':!*.spec.ts' || true`)).toBe('');
  });

  it('has pages without dead links', () => {
    const pages = made.run("git ls-files '*.md'").trim().split('\n');
    const dead = pages.flatMap((page) =>
      [...readFileSync(join(made.directory, page), 'utf8').matchAll(/\]\((?!\w+:|#)([^)#\s]+)/g)].map(([, target = '']) => join(page, '..', target)).filter((path) => !existsSync(join(made.directory, path))),
    );
    expect(dead).toEqual([]);
  });

  it.skipIf(keepShop)('passes lint, and the tests of its services', { timeout: 900_000 }, () => {
    expect(() => made.run('npm run lint')).not.toThrow();
    expect(made.run('npm test -- apps/notes apps/gateway')).toMatch(/[1-9]\d* passed, 0 failed\s*$/);
  });
});

it('leaves the template as it was, and makes nothing where a folder is', () => {
  expect(template.run('git status --porcelain')).toBe('');
  expect(() => template.run(`npm run new -- ${template.directory}/.. --name acme`)).toThrow('not empty');
});
