/** Does `units` pieces of work, at most `most` at a time; gives what they resolve to, in order. */
export async function inFlight<Result>(units: number, most: number, work: (n: number) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = Array.from({ length: units });
  let next = 0;
  const worker = async () => {
    while (next < units) {
      const n = next;
      next += 1;
      results[n] = await work(n);
    }
  };
  await Promise.all(Array.from({ length: most }, worker));
  return results;
}
