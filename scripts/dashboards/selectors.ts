/** A metric that a query names, and the labels by which it picks from it. */
export interface Selector {
  metric: string;
  labels: string[];
}

const keywords = new Set(['and', 'or', 'unless', 'bool', 'offset', 'inf', 'nan']);

/** The metrics of a PromQL expression, as far as ours go: no metric is called like a function of it. */
export function selectorsOf(query: string): Selector[] {
  const withoutGrouping = query.replaceAll(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ');
  const selectors: Selector[] = [];
  for (const [, metric = '', call, matchers] of withoutGrouping.matchAll(/(?<![\w.:"$])([a-zA-Z_:][\w:]*)(?:\s*(\()|\{((?:"[^"]*"|[^}"])*)\})?|"[^"]*"|\[[^\]]*\]/g)) {
    if (metric === '' || call !== undefined || keywords.has(metric.toLowerCase())) continue;
    selectors.push({ metric, labels: [...(matchers ?? '').matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => label) });
  }
  return selectors;
}

/** The labels by which a query groups, but for the bounds of histograms, which its quantiles use up. */
export function groupingOf(query: string): string[] {
  const lists = [...query.matchAll(/\bby\s*\(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(','));
  return [...new Set(lists.map((label) => label.trim()).filter((label) => label !== '' && label !== 'le'))];
}
