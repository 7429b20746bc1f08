import { commitMark } from './node.transaction.ts';

/** Texts whose names are remembered; TypeORM writes a new text for each length of a list. */
const mostTexts = 2000;
const mostNames = 100;

/** Characters of the longest text that is remembered: a longer one has values in it, and never comes again. */
const longestText = 4000;

const names = new Map<string, string>();
const distinct = new Set<string>();

/** A comment in front of a statement that is one word, e.g. `listing.search`, names it; only our own code writes statements. */
const given = /^\s*\/\*\s*([\w.:-]{1,60})\s*\*\//;
const tables: Readonly<Record<string, RegExp>> = {
  select: /\bfrom\s+(?:only\s+)?"?([a-z_]\w*)/i,
  delete: /\bfrom\s+(?:only\s+)?"?([a-z_]\w*)/i,
  with: /\b(?:from|into|update)\s+(?:only\s+)?"?([a-z_]\w*)/i,
  insert: /\binto\s+"?([a-z_]\w*)/i,
  update: /^\s*update\s+(?:only\s+)?"?([a-z_]\w*)/i,
};

/**
 * A short name for a statement, for metrics and traces: the one given in a comment in front, else what it does to which
 * table first, e.g. `select products`. Bounded: numbers at the end of a table's name (partitions) are cut off, and after
 * 100 names everything is `other`.
 */
export function statementName(sql: string): string {
  // Ids may stand in what goes with these two, so no text of theirs comes again.
  if (sql.startsWith('START TRANSACTION')) return 'start';
  if (sql.startsWith(commitMark)) return 'commit';
  const remembered = sql.length <= longestText;
  const known = remembered ? names.get(sql) : undefined;
  if (known !== undefined) return known;
  let name = given.exec(sql)?.[1] ?? describe(sql);
  if (!distinct.has(name)) {
    if (distinct.size < mostNames) distinct.add(name);
    else name = 'other';
  }
  if (!remembered) return name;
  if (names.size >= mostTexts) names.clear();
  names.set(sql, name);
  return name;
}

function describe(sql: string): string {
  const verb = /[a-z]+/i.exec(sql)?.[0].toLowerCase() ?? 'other';
  const table = tables[verb]?.exec(sql)?.[1]?.replace(/(_\d+)+$/, '');
  return table === undefined ? verb : `${verb} ${table.toLowerCase()}`;
}

/** The SQL of whatever `query` of pg was given first; empty when it has none. */
export function statementText(statement: unknown): string {
  if (typeof statement === 'string') return statement;
  return typeof statement === 'object' && statement !== null && 'text' in statement ? String(statement.text) : '';
}
