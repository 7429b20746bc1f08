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
