/**
 * A position in the write-ahead log as a number that can be compared and subtracted, from PostgreSQL's text form
 * (`16/B374D848`). Exact up to 2^53 bytes, eight petabytes of log.
 */
export function logPosition(lsn: string): number {
  const slash = lsn.indexOf('/');
  return Number.parseInt(lsn.slice(0, slash), 16) * 2 ** 32 + Number.parseInt(lsn.slice(slash + 1), 16);
}
