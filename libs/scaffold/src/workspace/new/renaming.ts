import { extname } from 'node:path';
import ts from 'typescript';
import { spellingsOf } from '../../names.ts';
import type { Name } from '../../names.ts';

/** What a workspace calls itself: its folder of state, images, namespace, labels, variables and prose after its name, its packages by its scope. */
export interface Identity {
  name: Name;
  /** `@tenfold` */
  scope: string;
}

/** This workspace's own, by which everything in it is called. */
export const template: Identity = { name: spellingsOf('tenfold'), scope: '@tenfold' };

/** In prose, each word with a capital: `Acme Shop`. */
export const titleOf = ({ words }: Name): string => words.replaceAll(/\b[a-z]/g, (letter) => letter.toUpperCase());

/** A path of the template as it is called in another workspace. */
export const renamedPath = (path: string, { name }: Identity): string => path.replaceAll(template.name.kebab, name.kebab);

/**
 * The text of a file as another workspace has it. Names in code and keys of JSON are spelled as code needs it
 * (`acmeShop`), all else as the name is (`acme-shop`, `ACME_SHOP_PORT_BASE`, "Acme Shop").
 */
export function renamed(path: string, text: string, identity: Identity): string {
  if (!new RegExp(template.name.kebab, 'i').test(text)) return text;
  const written = extname(path) === '.ts' ? renamedCode(path, text, identity) : renamedText(text, identity);
  if (path === 'package-lock.json') return sorted(written, 'packages');
  return path.endsWith('package.json') ? sorted(written, 'dependencies', 'devDependencies') : written;
}

function renamedText(text: string, { name, scope }: Identity): string {
  const { kebab, camel, pascal, constant } = template.name;
  return (
    text
      // An address of mail is no package.
      .replaceAll(new RegExp(`${template.scope}\\b(?!\\.)`, 'g'), scope)
      .replaceAll(new RegExp(`"${camel}"(?=:)|(?<=^|[^\`])\`${camel}\`(?!\`)`, 'g'), (word) => word.replace(camel, name.camel))
      .replaceAll(`"${pascal}"`, `"${name.pascal}"`)
      .replaceAll(constant, name.constant)
      .replaceAll(pascal, titleOf(name))
      .replaceAll(kebab, name.kebab)
  );
}

function renamedCode(path: string, text: string, identity: Identity): string {
  const { camel, pascal } = template.name;
  let result = '';
  let done = 0;
  const look = (node: ts.Node): void => {
    const isName = ts.isIdentifier(node) || ts.isPrivateIdentifier(node);
    // A key that is written with quotes has to be the name that others use.
    if ((isName && (node.text.includes(camel) || node.text.includes(pascal))) || (ts.isStringLiteral(node) && node.text === pascal)) {
      const start = node.getStart();
      result += renamedText(text.slice(done, start), identity);
      result += text.slice(start, node.end).replaceAll(camel, identity.name.camel).replaceAll(pascal, identity.name.pascal);
      done = node.end;
    }
    ts.forEachChild(node, look);
  };
  look(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true));
  return result + renamedText(text.slice(done), identity);
}

/** JSON with the entries of these objects in npm's order, which another scope may change. */
function sorted(text: string, ...keys: readonly string[]): string {
  const content = JSON.parse(text) as Record<string, Record<string, unknown> | undefined>;
  for (const key of keys) {
    const entries = Object.entries(content[key] ?? {});
    if (entries.length > 0) content[key] = Object.fromEntries(entries.toSorted(([one], [other]) => one.localeCompare(other, 'en')));
  }
  return `${JSON.stringify(content, undefined, 2)}\n`;
}
