/** Seconds in which a dozen processes have compiled, on two cores, most of what is hot. */
const FULL_SECONDS = 18;

/**
 * Shares of the rate, and how long each lasts: connections, just-in-time compilation and the hottest cache entries. It
 * rises, since processes that have just started do not get all of a shop's traffic at once anywhere.
 *
 * @param fullSeconds at the full rate, at least 18
 */
export function warmUp(fullSeconds = FULL_SECONDS): { share: number; seconds: number }[] {
  return [
    { share: 0.25, seconds: 3 },
    { share: 0.5, seconds: 3 },
    { share: 1, seconds: Math.max(FULL_SECONDS, fullSeconds) },
  ];
}
