import type { Tree } from '@nx/devkit';
import { createTree } from '@nx/devkit/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { addLine, addLineBehind, addWord, removeLine, removeWord } from './line.edit.ts';
import { addElement, addFrom, elementsIn, importedNames, removeElements, removeFrom, replaceInMethod } from './source.edit.ts';

let tree: Tree;

beforeEach(() => {
  tree = createTree();
});

const read = () => tree.read('file', 'utf8');

/** Writes the file, has it changed twice and changed back; returns what stood there in between. */
function thereAndBack(before: string, add: () => void, remove: () => void): string | null {
  tree.write('file', before);
  add();
  const added = read();
  add();
  expect(read()).toBe(added);
  remove();
  expect(read()).toBe(before);
  return added;
}

describe('an import', () => {
  it('is added where its path belongs, once, and taken out again', () => {
    const before = "import { z } from 'zod';\nimport { a } from './a.ts';\nimport { c } from './c.ts';\n\nexport const all = [a, c];\n";
    const after = thereAndBack(before, () => addFrom(tree, 'file', './b.ts', ["import { b } from './b.ts';"]), () => removeFrom(tree, 'file', './b.ts'));
    expect(after).toBe(before.replace("import { c }", "import { b } from './b.ts';\nimport { c }"));
  });
});

describe('an import from a folder', () => {
  it('is added to the others of the folder, wherever they stand', () => {
    const before = "import { z } from 'zod';\nimport { b } from './f/b.ts';\nimport { d } from './d.ts';\n";
    const after = thereAndBack(before, () => addFrom(tree, 'file', './f/a.ts', ["import { a } from './f/a.ts';"]), () => removeFrom(tree, 'file', './f/a.ts'));
    expect(after).toBe(before.replace('import { b }', "import { a } from './f/a.ts';\nimport { b }"));
    expect(importedNames(tree, 'file', './f/b.ts')).toEqual(['b']);
  });
});

describe('a method', () => {
  const source = 'class X {\n  one() {\n    return this.find(1);\n  }\n\n  two() {\n    return this.find(1);\n  }\n}\n';

  it('is changed, and no other', () => {
    tree.write('file', source);
    replaceInMethod(tree, 'file', 'two', /this\.find\((\d)\)/, 'this.cache.find($1)');
    expect(read()).toBe(source.replace('two() {\n    return this.find(1)', 'two() {\n    return this.cache.find(1)'));
  });

  it('is left alone where it reads otherwise by now', () => {
    tree.write('file', source);
    expect(() => replaceInMethod(tree, 'file', 'two', /this\.load/, 'this.cache')).toThrow(/file: two has nothing like .*by hand/);
    expect(() => replaceInMethod(tree, 'file', 'three', /this\.find/, 'this.cache')).toThrow(/file: three has nothing like/);
    expect(read()).toBe(source);
  });
});

describe('an element', () => {
  it.each([
    ['const list = [];\n', 'const list = [b];\n'],
    ['const list = [a];\n', 'const list = [a, b];\n'],
    ['const list: readonly X[] = [\n  a,\n  c(1), // kept\n];\n', 'const list: readonly X[] = [\n  a,\n  c(1),\n  b, // kept\n];\n'],
    ['const list = [\n  a\n];\n', 'const list = [\n  a,\n  b\n];\n'],
  ])('is added to %j', (before, expected) => {
    const list = { variable: 'list' };
    const after = thereAndBack(before, () => addElement(tree, 'file', list, 'b'), () => removeElements(tree, 'file', list, (element) => element === 'b'));
    expect(after).toBe(expected);
  });

  it('is found in the array of a property and in the arguments of a function', () => {
    tree.write('file', "const x = { ...of('a', 'b'), imports: [M.register({ imports: [N] })] };\n");
    addElement(tree, 'file', { call: 'of' }, "'c'");
    addElement(tree, 'file', { property: 'imports' }, 'P');
    expect(read()).toBe("const x = { ...of('a', 'b', 'c'), imports: [M.register({ imports: [N] }), P] };\n");
    expect(elementsIn(tree, 'file', { call: 'of' })).toEqual(["'a'", "'b'", "'c'"]);
  });

  it('is found among the parameters of a constructor', () => {
    tree.write('file', 'class X {\n  constructor(\n    private readonly a: A,\n  ) {}\n}\n');
    addElement(tree, 'file', { constructorOf: 'X' }, 'private readonly b: B');
    expect(read()).toBe('class X {\n  constructor(\n    private readonly a: A,\n    private readonly b: B,\n  ) {}\n}\n');
  });

  it('leaves the others when the first one goes', () => {
    tree.write('file', 'const list = [a, b, c];\n');
    removeElements(tree, 'file', { variable: 'list' }, (element) => element === 'a');
    expect(read()).toBe('const list = [b, c];\n');
  });

  it('is refused, with what to do, where the list is gone', () => {
    tree.write('file', 'const other = [];\n');
    expect(() => addElement(tree, 'file', { variable: 'list' }, 'b')).toThrow(/no list "list".*by hand/);
    expect(() => addElement(tree, 'nowhere', { variable: 'list' }, 'b')).toThrow(/nowhere is not there/);
  });
});

describe('a line of YAML', () => {
  it('is added where the alphabet puts it', () => {
    const before = 'resources:\n  - namespace\n  - accounts\n  - worker\nimages: []\n';
    const after = thereAndBack(before, () => addLine(tree, 'file', /^ {2}- (?!namespace)/, '  - payments'), () => removeLine(tree, 'file', '  - payments'));
    expect(after).toBe(before.replace('  - worker', '  - payments\n  - worker'));
  });

  it('is added before the first, too', () => {
    const before = 'resources:\n  - worker\n';
    expect(thereAndBack(before, () => addLine(tree, 'file', /^ {2}- /, '  - payments'), () => removeLine(tree, 'file', '  - payments'))).toBe('resources:\n  - payments\n  - worker\n');
  });
});

describe('a line behind another', () => {
  it('is added once, and not where that one is gone', () => {
    const before = '  - a\n  - c\n  - b\n';
    const after = thereAndBack(before, () => addLineBehind(tree, 'file', '  - c', '  - d'), () => removeLine(tree, 'file', '  - d'));
    expect(after).toBe('  - a\n  - c\n  - d\n  - b\n');
    expect(() => addLineBehind(tree, 'file', '  - x', '  - y')).toThrow(/no line "- x".*by hand/);
  });
});

describe('a word in a list', () => {
  it('is added where the alphabet puts it', () => {
    const list = /value: \[(.*)\]/;
    const after = thereAndBack('  value: [accounts, worker]\n', () => addWord(tree, 'file', list, ', ', 'payments'), () => removeWord(tree, 'file', list, ', ', 'payments'));
    expect(after).toBe('  value: [accounts, payments, worker]\n');
  });
});
