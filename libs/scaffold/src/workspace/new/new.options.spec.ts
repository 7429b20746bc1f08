import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readNewOptions } from './new.options.ts';

let directory: string;
let root: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'new-options-'));
  root = join(directory, 'template');
  for (const folder of ['template', 'empty', 'full']) mkdirSync(join(directory, folder));
  writeFileSync(join(directory, 'full/kept.txt'), '');
});

afterAll(() => rmSync(directory, { recursive: true }));

const read = (...args: string[]) => readNewOptions([...args, '--keep-shop'], { directory: root, root, scopesTaken: ['@nestjs'] });

it('takes name and scope from the folder, where they are not said', () => {
  expect(read('../acme')).toEqual({ folder: join(directory, 'acme'), parameters: { name: 'acme', scope: '@acme', keepShop: true } });
});

it('takes what is said instead', () => {
  expect(read('../empty', '--name', 'acme-shop', '--scope', '@acme')).toEqual({ folder: join(directory, 'empty'), parameters: { name: 'acme-shop', scope: '@acme', keepShop: true } });
});

it.each([
  ['no folder', [], 'bad-options', 'Say one folder'],
  ['two folders', ['../a', '../b'], 'bad-options', 'not 2'],
  ['an option that there is not', ['../acme', '--colour'], 'bad-options', '--colour'],
  ['a folder that is not empty', ['../full'], 'taken-name', 'not empty'],
  ['a file', ['../full/kept.txt'], 'taken-name', 'not empty'],
  ['a folder within the template', ['libs/acme'], 'bad-options', 'within this workspace'],
  ['the template', ['.'], 'bad-options', 'within this workspace'],
  ['a folder in one that is not there', ['../nowhere/acme'], 'bad-options', 'make it first'],
  ['a name that is none', ['../acme', '--name', 'Acme'], 'bad-name', '--name'],
  ['a folder whose name is none', ['../Acme_2'], 'bad-name', '--name'],
  ['a name that a package.json has a key of', ['../acme', '--name', 'nx'], 'taken-name', '--name'],
  ["the template's name", ['../tenfold-two'], 'taken-name', '--name'],
  ['a scope without @', ['../acme', '--scope', 'acme'], 'bad-name', '--scope'],
  ['a scope of others', ['../acme', '--scope', '@nestjs'], 'taken-name', '--scope'],
])('refuses %s', (_what, args, code, message) => {
  expect(() => read(...args)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) as string }) as Error);
});
