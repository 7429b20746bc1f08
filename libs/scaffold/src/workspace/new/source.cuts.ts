import ts from 'typescript';

/*
 * What is taken out of TypeScript, found by syntax; all else stays as it is.
 */

interface Range {
  from: number;
  to: number;
}

const parse = (text: string) => ts.createSourceFile('file.ts', text, ts.ScriptTarget.Latest, true);

function cut(text: string, ranges: readonly Range[]): string {
  let result = text;
  for (const { from, to } of ranges.toSorted((one, other) => other.from - one.from)) result = result.slice(0, from) + result.slice(to);
  return result.replaceAll(/\n{3,}/g, '\n\n').replaceAll(/\{\n\n/g, '{\n').replaceAll(/\n\n(\s*\}\);)/g, '\n$1');
}

/** With its comment and the rest of its line. */
function whole(node: ts.Node, text: string): Range {
  const comments = ts.getLeadingCommentRanges(text, node.getFullStart()) ?? [];
  const start = comments[0]?.pos ?? node.getStart();
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  const next = text.indexOf('\n', node.end);
  const rest = next < 0 ? text.length : next + 1;
  return { from: text.slice(lineStart, start).trim() === '' ? lineStart : start, to: text.slice(node.end, rest).trim().replace(/^[,;]$/, '') === '' ? rest : node.end };
}

/** Takes out declarations and methods of these names. */
export function withoutDeclarations(text: string, names: readonly string[]): string {
  const ranges: Range[] = [];
  const look = (node: ts.Node): void => {
    const isDeclared = ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node) || ts.isTypeAliasDeclaration(node) || ts.isInterfaceDeclaration(node) || ts.isMethodDeclaration(node);
    const name = isDeclared ? node.name?.getText() : ts.isVariableStatement(node) ? node.declarationList.declarations[0]?.name.getText() : undefined;
    if (name !== undefined && names.includes(name)) ranges.push(whole(node, text));
    else ts.forEachChild(node, look);
  };
  look(parse(text));
  return cut(text, ranges);
}

const testFunctions = ['it', 'test', 'describe'];
const calleeOf = (node: ts.Node): string => (ts.isCallExpression(node) ? calleeOf(node.expression) : ts.isPropertyAccessExpression(node) ? calleeOf(node.expression) : node.getText());

/** Takes out tests, and rows of their tables, that a pattern matches, and groups that are left without a test. */
export function withoutTests(text: string, pattern: RegExp): string {
  const rows = cut(text, rowsIn(text, pattern));
  const tests = cut(rows, testsIn(rows, (test, name) => name !== 'describe' && pattern.test(test)));
  return cut(tests, testsIn(tests, (test, name) => name === 'describe' && !/\b(it|test)\b(\.\w+)*\(/.test(test.slice('describe'.length))));
}

function rowsIn(text: string, pattern: RegExp): Range[] {
  const ranges: Range[] = [];
  const look = (node: ts.Node): void => {
    if (ts.isArrayLiteralExpression(node) && node.elements.length > 1) {
      for (const element of node.elements) {
        const isRow = ts.isArrayLiteralExpression(element) || ts.isObjectLiteralExpression(element);
        if (isRow && pattern.test(element.getText())) ranges.push(whole(element, text));
        else look(element);
      }
    } else ts.forEachChild(node, look);
  };
  look(parse(text));
  return ranges;
}

function testsIn(text: string, isMeant: (text: string, name: string) => boolean): Range[] {
  const ranges: Range[] = [];
  const look = (node: ts.Node): void => {
    const name = ts.isExpressionStatement(node) && ts.isCallExpression(node.expression) ? calleeOf(node.expression) : '';
    if (testFunctions.includes(name) && isMeant(node.getText(), name)) ranges.push(whole(node, text));
    else ts.forEachChild(node, look);
  };
  look(parse(text));
  return ranges;
}

/** Takes out imports, and other declarations that no other file can use, whose names nothing in the file mentions. */
export function withoutUnused(text: string): string {
  const file = parse(text);
  const mentions = new Map<string, number>();
  const count = (node: ts.Node): void => {
    // In `names.join()` it is not the `join` that may have been imported.
    if (ts.isPropertyAccessExpression(node)) return count(node.expression);
    if (ts.isIdentifier(node)) mentions.set(node.text, (mentions.get(node.text) ?? 0) + 1);
    ts.forEachChild(node, count);
  };
  count(file);
  const isUnused = (name: ts.Node | undefined) => name !== undefined && (mentions.get(name.getText()) ?? 0) < 2;
  const ranges: Range[] = [];
  for (const statement of file.statements) {
    const isExported = ts.canHaveModifiers(statement) && ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
    if (ts.isImportDeclaration(statement)) ranges.push(...unusedImports(statement, text, isUnused));
    else if (isExported) continue;
    else if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement) || ts.isTypeAliasDeclaration(statement) || ts.isInterfaceDeclaration(statement)) {
      if (isUnused(statement.name)) ranges.push(whole(statement, text));
    } else if (ts.isVariableStatement(statement) && statement.declarationList.declarations.every(({ name }) => ts.isIdentifier(name) && isUnused(name))) {
      ranges.push(whole(statement, text));
    }
  }
  const result = cut(text, ranges);
  // What was used by what has gone.
  return result === text ? text : withoutUnused(result);
}

function unusedImports(statement: ts.ImportDeclaration, text: string, isUnused: (name: ts.Node | undefined) => boolean): Range[] {
  const { importClause } = statement;
  if (!importClause) return [];
  const bindings = importClause.namedBindings;
  if (!bindings || !ts.isNamedImports(bindings)) return isUnused(importClause.name ?? bindings?.name) ? [whole(statement, text)] : [];
  const { elements } = bindings;
  const lastUsed = elements.findLast(({ name }) => !isUnused(name));
  if (!lastUsed) return [whole(statement, text)];
  const at = elements.indexOf(lastUsed);
  const before = elements.slice(0, at).flatMap((element, index) => (isUnused(element.name) ? [{ from: element.getStart(), to: elements[index + 1]?.getStart() ?? element.end }] : []));
  return at + 1 < elements.length ? [...before, { from: lastUsed.end, to: elements.at(-1)?.end ?? lastUsed.end }] : before;
}
