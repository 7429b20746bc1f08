import type { Tree } from '@nx/devkit';

/** Changes a JSON file that is written with two spaces, as npm and the package managers do. */
export function editJson<Content extends object>(tree: Tree, path: string, change: (content: Content) => void): void {
  const before = tree.read(path, 'utf8') ?? '{}';
  const content = JSON.parse(before) as Content;
  change(content);
  const after = `${JSON.stringify(content, undefined, 2)}\n`;
  if (after !== before) tree.write(path, after);
}

/** Puts an entry where npm would: keys of a lockfile are sorted by `localeCompare`. */
export function withEntry(entries: Readonly<Record<string, object>>, key: string, value: object): Record<string, object> {
  const others = Object.entries(entries).filter(([name]) => name !== key);
  const at = others.findIndex(([name]) => name.localeCompare(key, 'en') > 0);
  return Object.fromEntries(others.toSpliced(at < 0 ? others.length : at, 0, [key, value]));
}

export function withoutEntry(entries: Readonly<Record<string, object>>, key: string): Record<string, object> {
  return Object.fromEntries(Object.entries(entries).filter(([name]) => name !== key));
}
