/**
 * A position in the write-ahead log as a number that can be compared and subtracted, from PostgreSQL's text form
 * (`16/B374D848`). Exact up to 2^53 bytes, eight petabytes of log.
 */
export function logPosition(lsn: string): number {
  let high = 0;
  let low = 0;
  // Digit by digit: every read asks, and parts of a text would be made for parseInt.
  for (let index = 0; index < lsn.length; index += 1) {
    const code = lsn.charCodeAt(index);
    if (code === 0x2f) [high, low] = [low, 0];
    else low = low * 16 + (code <= 0x39 ? code - 0x30 : (code | 0x20) - 0x57);
  }
  return high * 2 ** 32 + low;
}
