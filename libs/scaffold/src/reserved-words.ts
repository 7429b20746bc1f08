/** Words that TypeScript or PostgreSQL takes for something else. */
const reserved = new Set(
  (
    'all analyse analyze and any array as asc asymmetric await binary both break case cast catch check class collate column concurrently const ' +
    'constraint continue create cross current debugger default deferrable delete desc distinct do else end enum eval except export extends false ' +
    'fetch finally for foreign freeze from full function grant group having if ilike implements import in initially inner instanceof interface ' +
    'intersect into is isnull join lateral leading left let like limit localtime localtimestamp natural new not notnull null offset on only or ' +
    'order outer overlaps package placing primary private protected public references return returning right select similar some static super ' +
    'switch symmetric table tablesample then this throw to trailing true try typeof undefined union unique user using var variadic verbose void ' +
    'when where while window with yield id request response'
  ).split(' '),
);

/** Whether a word cannot stand for a variable, a method or a table. */
export const isReserved = (word: string): boolean => reserved.has(word) || word in Object.prototype;
