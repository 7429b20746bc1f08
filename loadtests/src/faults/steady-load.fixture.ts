/** Asks at a steady rate until stopped, however long the answers take; stopping gives all answers. */
export function steadily<Answer>(what: () => Promise<Answer>, everyMs: number): () => Promise<Answer[]> {
  const answers: Promise<Answer>[] = [];
  const timer = setInterval(() => answers.push(what()), everyMs);
  return async () => {
    clearInterval(timer);
    return Promise.all(answers);
  };
}

/** The time within which 99 of 100 answers came; 0 without any. */
export function p99(answers: readonly { tookMs: number }[]): number {
  return answers.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b)[Math.ceil(answers.length * 0.99) - 1] ?? 0;
}

/** What a fault did to p99, over rounds in which it is on and off in turn. */
export interface Influence<Answer> {
  /** All answers while it was on. */
  answers: Answer[];
  /** Median over the rounds of p99 with the fault to p99 without it, just before. */
  ratio: number;
  /** The same as a difference, in milliseconds. */
  addedMs: number;
}

/**
 * Asks without and with a fault, in turn: the machine is shared, and what it does in one minute it may not do in the
 * next, so each round is held against its own beginning, and the middle one counts.
 */
export async function alternately<Answer extends { tookMs: number }>(rounds: number, without: () => Promise<Answer[]>, under: () => Promise<Answer[]>): Promise<Influence<Answer>> {
  const answers: Answer[] = [];
  const pairs: { before: number; meanwhile: number }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const before = p99(await without());
    const meanwhile = await under();
    answers.push(...meanwhile);
    pairs.push({ before, meanwhile: p99(meanwhile) });
  }
  return {
    answers,
    ratio: median(pairs.map(({ before, meanwhile }) => meanwhile / before)),
    addedMs: median(pairs.map(({ before, meanwhile }) => meanwhile - before)),
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return ((sorted[Math.floor((sorted.length - 1) / 2)] ?? 0) + (sorted[Math.ceil((sorted.length - 1) / 2)] ?? 0)) / 2;
}
