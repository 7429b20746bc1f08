/**
 * Waits for all, also when one fails: transactions that run beside each other have ended when this has, whatever came of them.
 *
 * @throws the first failure, in the order of the attempts
 */
export async function allOf<Result>(attempts: readonly Promise<Result>[]): Promise<Result[]> {
  const settled = await Promise.allSettled(attempts);
  const failed = settled.find((attempt) => attempt.status === 'rejected');
  if (failed) throw failed.reason;
  return settled.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
}
