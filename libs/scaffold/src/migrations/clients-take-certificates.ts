import { visitNotIgnoredFiles } from '@nx/devkit';
import type { Tree } from '@nx/devkit';
import ts from 'typescript';

/**
 * Since 0.1.0, calls may go over TLS, with certificates on both sides. Services were given theirs by hand; clients that
 * `service --http` and `connect` had written, or went on to write, have the secret alone, and reach nobody then.
 */
export default function clientsTakeCertificates(tree: Tree): void {
  visitNotIgnoredFiles(tree, 'apps', (path) => {
    if (!path.endsWith('.module.ts')) return;
    const before = tree.read(path, 'utf8') ?? '';
    const after = withCertificates(before);
    if (after !== before) tree.write(path, after);
  });
}

/** Beside each secret of a client, the directory of certificates from the same place; a client that has one stays as it is. */
function withCertificates(text: string): string {
  const additions: { at: number; text: string }[] = [];
  const file = ts.createSourceFile('module.ts', text, ts.ScriptTarget.Latest, true);
  const look = (node: ts.Node): void => {
    const options = ts.isCallExpression(node) && node.expression.getText() === 'CallsModule.register' ? node.arguments[0] : undefined;
    if (options && ts.isObjectLiteralExpression(options)) additions.push(...additionsTo(options, file));
    ts.forEachChild(node, look);
  };
  look(file);
  const unique = new Map(additions.map((addition) => [addition.at, addition]));
  return [...unique.values()].toSorted((one, other) => other.at - one.at).reduce((result, { at, text: added }) => result.slice(0, at) + added + result.slice(at), text);
}

function additionsTo(options: ts.ObjectLiteralExpression, file: ts.SourceFile): { at: number; text: string }[] {
  const named = (name: string) => options.properties.find((property) => property.name?.getText() === name);
  const secret = named('secret');
  if (!secret || named('tlsDirectory') || options.properties.some(ts.isSpreadAssignment)) return [];
  if (ts.isPropertyAssignment(secret)) {
    const [source] = /^.*(?=\.CALLS_SECRET$)/.exec(secret.initializer.getText()) ?? [];
    return source === undefined ? [] : [{ at: secret.end, text: `, tlsDirectory: ${source}.CALLS_TLS_DIRECTORY` }];
  }
  // `secret` alone was taken out of the settings under that name.
  const taken = bindingOf(file, 'CALLS_SECRET', 'secret');
  return taken ? [{ at: secret.end, text: ', tlsDirectory' }, { at: taken.end, text: ', CALLS_TLS_DIRECTORY: tlsDirectory' }] : [];
}

function bindingOf(file: ts.SourceFile, property: string, name: string): ts.BindingElement | undefined {
  let found: ts.BindingElement | undefined;
  const look = (node: ts.Node): void => {
    if (ts.isBindingElement(node) && node.propertyName?.getText() === property && node.name.getText() === name) found = node;
    ts.forEachChild(node, look);
  };
  look(file);
  return found;
}
