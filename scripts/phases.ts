const phases: { name: string; seconds: number }[] = [];

/** Measures a part of a run; parts may overlap. */
export async function phase<T>(name: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  try {
    return await work();
  } finally {
    phases.push({ name, seconds: (performance.now() - began) / 1000 });
  }
}

/** What the parts have taken so far, a line each, in the order in which they ended. */
export function phaseLines(): string[] {
  const width = Math.max(...phases.map(({ name }) => name.length));
  return phases.map(({ name, seconds }) => `  ${name.padEnd(width)} ${seconds.toFixed(0).padStart(5)} s`);
}
