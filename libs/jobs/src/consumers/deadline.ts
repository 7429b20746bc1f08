import type { Message } from '@tenfold/contracts';
import { JobsError } from '../jobs.error.ts';

/** Ends with the work or when the signal aborts. @throws JobsError `timed-out` */
export async function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal, { topic, timeoutMs }: Message): Promise<Result> {
  const ended = Promise.withResolvers<never>();
  const abort = () => ended.reject(new JobsError('timed-out', `${topic} took longer than ${timeoutMs} ms, or was handed back`));
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, ended.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
