import { posix } from 'node:path';
import type { Tree } from '@nx/devkit';
import ts from 'typescript';
import { ScaffoldError } from '../scaffold.error.ts';

/*
 * Edits of TypeScript that somebody wrote, found by syntax and made as text: all else in the file stays as it is. Each
 * adds what is not there and has its opposite, so that a second run changes nothing and adding and removing leave a
 * file as it was.
 */

interface Change {
  from: number;
  to: number;
  text: string;
}

type List = ts.ArrayLiteralExpression | ts.CallExpression | ts.ConstructorDeclaration | ts.ObjectLiteralExpression | ts.NamedImports | ts.NamedExports;

function edit(tree: Tree, path: string, changesOf: (file: ts.SourceFile) => readonly Change[]): void {
  const before = tree.read(path, 'utf8');
  if (before === null) throw new ScaffoldError('unknown-source', `${path} is not there: this workspace is not laid out as the generators know it.`);
  let after = before;
  const changes = changesOf(ts.createSourceFile(path, before, ts.ScriptTarget.Latest, true)).toSorted((one, other) => other.from - one.from);
  for (const { from, to, text } of changes) after = after.slice(0, from) + text + after.slice(to);
  if (after !== before) tree.write(path, after);
}

const isFrom = (statement: ts.Statement, module: string): boolean =>
  (ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement)) &&
  statement.moduleSpecifier !== undefined &&
  ts.isStringLiteral(statement.moduleSpecifier) &&
  statement.moduleSpecifier.text === module;

/**
 * Adds an `import` or `export … from` line behind the last one that is sorted before it, among those of its folder if there
 * are any, unless the module is there already.
 */
export function addFrom(tree: Tree, path: string, module: string, lines: readonly string[]): void {
  edit(tree, path, ({ statements }) => {
    if (statements.some((statement) => isFrom(statement, module))) return [];
    const kind = lines[0]?.startsWith('export') ? ts.isExportDeclaration : ts.isImportDeclaration;
    const others = statements.filter((statement) => kind(statement) && statement.moduleSpecifier && ts.isStringLiteral(statement.moduleSpecifier));
    const specifierOf = (statement: ts.Statement) => ((statement as ts.ImportDeclaration).moduleSpecifier as ts.StringLiteral).text;
    const isRelative = (specifier: string) => specifier.startsWith('.');
    const alike = others.filter((statement) => isRelative(specifierOf(statement)) === isRelative(module));
    const packages = others.filter((statement) => !isRelative(specifierOf(statement)));
    const folder = posix.dirname(module);
    const inFolder = folder === '.' ? [] : alike.filter((statement) => posix.dirname(specifierOf(statement)) === folder);
    const [next] = inFolder;
    const before = (next ? inFolder : alike).findLast((statement) => specifierOf(statement) < module) ?? (isRelative(module) && !next ? packages.at(-1) : undefined);
    const at = before ? before.end + 1 : (next?.getStart() ?? 0);
    return [{ from: at, to: at, text: lines.map((line) => `${line}\n`).join('') }];
  });
}

/** Lets a file import one more name, by the line that there is or one of its own. */
export function addImport(tree: Tree, path: string, module: string, name: string): void {
  const isImported = parse(tree, path).statements.some((statement) => isFrom(statement, module) && namedImportsOf(statement) !== undefined);
  if (isImported) addElement(tree, path, { named: module }, name, (other) => other > name);
  else addFrom(tree, path, module, [`import { ${name} } from '${module}';`]);
}

/** Puts text before the statement that declares a variable. */
export function addBefore(tree: Tree, path: string, variable: string, text: string): void {
  edit(tree, path, ({ statements }) => {
    const statement = statements.find((one) => ts.isVariableStatement(one) && one.declarationList.declarations.some(({ name }) => name.getText() === variable));
    if (!statement) throw new ScaffoldError('unknown-source', `${path} declares no ${variable}: this workspace is not laid out as the generators know it.`);
    return [{ from: statement.getStart(), to: statement.getStart(), text }];
  });
}

/** Takes out every `import` and `export` from the module. */
export function removeFrom(tree: Tree, path: string, module: string): void {
  edit(tree, path, ({ statements }) =>
    statements.filter((statement) => isFrom(statement, module)).map((statement) => ({ from: statement.getStart(), to: statement.end + 1, text: '' })),
  );
}

/** The names that a file exports by `export { … } from`. */
export function exportedNames(tree: Tree, path: string): Map<string, string> {
  const file = ts.createSourceFile(path, tree.read(path, 'utf8') ?? '', ts.ScriptTarget.Latest, true);
  return new Map(
    file.statements.flatMap((statement) =>
      ts.isExportDeclaration(statement) && statement.exportClause && ts.isNamedExports(statement.exportClause)
        ? statement.exportClause.elements.map(({ name }): [string, string] => [name.text, (statement.moduleSpecifier as ts.StringLiteral | undefined)?.text ?? ''])
        : [],
    ),
  );
}

/** The names that a file imports from a module. */
export function importedNames(tree: Tree, path: string, module: string): string[] {
  return parse(tree, path).statements.flatMap((statement) =>
    isFrom(statement, module) ? (namedImportsOf(statement)?.elements.map(({ name }) => name.text) ?? []) : [],
  );
}

/** Whether a function is called anywhere in a file. */
export function hasCall(tree: Tree, path: string, name: string): boolean {
  return listIn(parse(tree, path), { call: name }) !== undefined;
}

/**
 * Which list is meant: the parameters of a class's constructor, the array of a variable or of a property, the arguments of a function, the object of a variable, the
 * object or array that is the last argument of a function, or the names that are imported or exported from a module.
 */
export type ListName = { constructorOf: string } | { variable: string } | { property: string } | { call: string } | { object: string } | { argument: string } | { named: string } | { exported: string } | { exportedTypes: string };

/**
 * Adds an element to a list, in a line of its own where the others have one; not a second time.
 *
 * @param isBehind tells of another element that it belongs behind this one. Default: none, so this one becomes the last
 */
export function addElement(tree: Tree, path: string, list: ListName, element: string, isBehind: (other: string) => boolean = () => false): void {
  edit(tree, path, (file) => {
    const found = findList(file, path, list);
    const elements = elementsOf(found);
    if (elements.some((one) => one.getText() === element)) return [];
    const last = elements.at(-1);
    if (!last) {
      const at = found.end - 1;
      return [{ from: at, to: at, text: element }];
    }
    const next = elements.find((one) => isBehind(one.getText()));
    const neighbour = next ?? last;
    const lineStart = file.getLineStarts()[file.getLineAndCharacterOfPosition(neighbour.getStart()).line] ?? 0;
    const indent = file.text.slice(lineStart, neighbour.getStart());
    const separator = indent.trim() === '' ? `,\n${indent}` : ', ';
    if (next) return [{ from: next.getStart(), to: next.getStart(), text: element + separator }];
    return [{ from: last.end, to: last.end, text: separator + element }];
  });
}

/** Takes elements out of a list, with the comma and the line of each. */
export function removeElements(tree: Tree, path: string, list: ListName, isMeant: (element: string) => boolean): void {
  edit(tree, path, (file) => {
    const elements = elementsOf(findList(file, path, list));
    return elements.flatMap((element, index) => {
      if (!isMeant(element.getText())) return [];
      const previous = elements[index - 1];
      const next = elements[index + 1];
      if (previous) return [{ from: previous.end, to: element.end, text: '' }];
      return [{ from: element.getStart(), to: next ? next.getStart() : element.end, text: '' }];
    });
  });
}

/**
 * Changes the text of one method.
 *
 * @param before what must stand in it
 * @param after takes its place
 * @throws ScaffoldError `unknown-source` when it does not stand there any more
 */
export function replaceInMethod(tree: Tree, path: string, method: string, before: RegExp, after: string): void {
  edit(tree, path, (file) => {
    let found: ts.MethodDeclaration | undefined;
    const look = (node: ts.Node): void => {
      if (ts.isMethodDeclaration(node) && node.name.getText() === method) found = node;
      ts.forEachChild(node, look);
    };
    look(file);
    const text = found?.getText() ?? '';
    if (!found || !before.test(text)) throw new ScaffoldError('unknown-source', `${path}: ${method} has nothing like ${before.source} any more: change it by hand.`);
    return [{ from: found.getStart(), to: found.end, text: text.replace(before, after) }];
  });
}

/** Texts of the elements of a list. */
export function elementsIn(tree: Tree, path: string, list: ListName): string[] {
  return elementsOf(findList(parse(tree, path), path, list)).map((element) => element.getText());
}

const parse = (tree: Tree, path: string) => ts.createSourceFile(path, tree.read(path, 'utf8') ?? '', ts.ScriptTarget.Latest, true);

function elementsOf(list: List): readonly ts.Node[] {
  if (ts.isCallExpression(list)) return list.arguments;
  if (ts.isConstructorDeclaration(list)) return list.parameters;
  return ts.isObjectLiteralExpression(list) ? list.properties : list.elements;
}

function findList(file: ts.SourceFile, path: string, wanted: ListName): List {
  const found = listIn(file, wanted);
  if (found) return found;
  const what = Object.values(wanted)[0] as string;
  throw new ScaffoldError('unknown-source', `${path} has no list "${what}": put what the generator adds there by hand, or bring the list back.`);
}

function listIn(file: ts.SourceFile, wanted: ListName): List | undefined {
  let found: List | undefined;
  const look = (node: ts.Node): void => {
    if (!found) {
      if ('call' in wanted && ts.isCallExpression(node) && node.expression.getText() === wanted.call) found = node;
      else if ('variable' in wanted && ts.isVariableDeclaration(node) && node.name.getText() === wanted.variable) found = arrayOf(node.initializer);
      else if ('property' in wanted && ts.isPropertyAssignment(node) && node.name.getText() === wanted.property) found = arrayOf(node.initializer);
      else if ('object' in wanted && ts.isVariableDeclaration(node) && node.name.getText() === wanted.object) found = objectOf(node.initializer);
      else if ('constructorOf' in wanted && ts.isConstructorDeclaration(node) && node.parent.name?.text === wanted.constructorOf) found = node;
      else if ('argument' in wanted && ts.isCallExpression(node) && node.expression.getText() === wanted.argument) found = objectOf(node.arguments.at(-1)) ?? arrayOf(node.arguments.at(-1));
      else if ('named' in wanted && ts.isImportDeclaration(node) && isFrom(node, wanted.named)) found = namedImportsOf(node);
      else if ('exported' in wanted && ts.isExportDeclaration(node) && isFrom(node, wanted.exported) && !node.isTypeOnly) found = namedExportsOf(node);
      else if ('exportedTypes' in wanted && ts.isExportDeclaration(node) && isFrom(node, wanted.exportedTypes) && node.isTypeOnly) found = namedExportsOf(node);
      ts.forEachChild(node, look);
    }
  };
  look(file);
  return found;
}

function namedImportsOf(statement: ts.Statement): ts.NamedImports | undefined {
  if (!ts.isImportDeclaration(statement) || statement.importClause?.isTypeOnly) return undefined;
  const bindings = statement.importClause?.namedBindings;
  return bindings && ts.isNamedImports(bindings) ? bindings : undefined;
}

const namedExportsOf = ({ exportClause }: ts.ExportDeclaration): ts.NamedExports | undefined => (exportClause && ts.isNamedExports(exportClause) ? exportClause : undefined);

const objectOf = (node: ts.Expression | undefined): ts.ObjectLiteralExpression | undefined => (node && ts.isObjectLiteralExpression(node) ? node : undefined);

const arrayOf = (node: ts.Expression | undefined): ts.ArrayLiteralExpression | undefined => (node && ts.isArrayLiteralExpression(node) ? node : undefined);
