import type { Tree } from '@nx/devkit';
import { ScaffoldError } from '../scaffold.error.ts';

/*
 * Edits of YAML that somebody wrote: one line among others of its kind, or one word in a list. All else stays as it is.
 */

/** Adds a line where the order of the alphabet puts it among those that are like it; not a second time. */
export function addLine(tree: Tree, path: string, like: RegExp, line: string): void {
  const lines = linesOf(tree, path);
  if (lines.includes(line)) return;
  const siblings = lines.map((text, index) => ({ text, index })).filter(({ text }) => like.test(text));
  const [first] = siblings;
  if (!first) throw new ScaffoldError('unknown-source', `${path} has no line like ${like.source}: put "${line.trim()}" there by hand.`);
  const before = siblings.findLast(({ text }) => text < line);
  tree.write(path, lines.toSpliced(before ? before.index + 1 : first.index, 0, line).join('\n'));
}

/** Adds a line behind another; not a second time. */
export function addLineBehind(tree: Tree, path: string, other: string, line: string): void {
  const lines = linesOf(tree, path);
  if (lines.includes(line)) return;
  const at = lines.indexOf(other);
  if (at < 0) throw new ScaffoldError('unknown-source', `${path} has no line "${other.trim()}": put "${line.trim()}" there by hand.`);
  tree.write(path, lines.toSpliced(at + 1, 0, line).join('\n'));
}

export function removeLine(tree: Tree, path: string, line: string): void {
  const lines = linesOf(tree, path);
  if (lines.includes(line)) tree.write(path, lines.filter((text) => text !== line).join('\n'));
}

/**
 * Adds a word to the list on one line, by the order of the alphabet.
 *
 * @param list finds the line; its first group is the list
 */
export function addWord(tree: Tree, path: string, list: RegExp, separator: string, word: string): void {
  editWords(tree, path, list, separator, (words) => {
    const at = words.findIndex((known) => known > word);
    return words.includes(word) ? words : words.toSpliced(at < 0 ? words.length : at, 0, word);
  });
}

export function removeWord(tree: Tree, path: string, list: RegExp, separator: string, word: string): void {
  editWords(tree, path, list, separator, (words) => words.filter((known) => known !== word));
}

function editWords(tree: Tree, path: string, list: RegExp, separator: string, change: (words: string[]) => string[]): void {
  const before = linesOf(tree, path).join('\n');
  const found = list.exec(before)?.[1];
  if (found === undefined) throw new ScaffoldError('unknown-source', `${path} has nothing like ${list.source}: this workspace is not laid out as the generators know it.`);
  const after = before.replace(list, (line) => line.replace(found, change(found.split(separator)).join(separator)));
  if (after !== before) tree.write(path, after);
}

function linesOf(tree: Tree, path: string): string[] {
  const text = tree.read(path, 'utf8');
  if (text === null) throw new ScaffoldError('unknown-source', `${path} is not there: this workspace is not laid out as the generators know it.`);
  return text.split('\n');
}
