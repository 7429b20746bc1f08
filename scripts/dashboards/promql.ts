/** The forms that most of the panels have. */

/** A quantile of a histogram, by some of its labels. */
export const quantile = (q: number, histogram: string, by: string, selector = '') =>
  `histogram_quantile(${q}, sum by (${by ? `${by}, ` : ''}le) (rate(${histogram}_bucket${selector}[$rate])))`;

/** How much a counter grows a second, by some of its labels. */
export const perSecond = (counter: string, by: string, selector = '') => `sum by (${by}) (rate(${counter}${selector}[$rate]))`;

/** For what seldom happens: a line at 0 says that it did not, an empty diagram says nothing. */
export const orZero = (query: string) => `${query} or vector(0)`;
