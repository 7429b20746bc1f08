import { milliseconds, table } from '../report/report-text.ts';
import { NOISE_CHANCE } from './compare.ts';
import type { Change, Comparison } from './compare.ts';

const words: Readonly<Record<Change, string>> = { slower: 'SLOWER', faster: 'faster', same: 'no difference seen' };

/** A comparison for a person, its verdict last. */
export function comparisonText({ pairs, figures }: Comparison, before: string, after: string): string {
  const named = (change: Change) => figures.filter((figure) => figure.change === change).map(({ figure }) => figure);
  const [slower, faster] = [named('slower'), named('faster')];
  return [
    ...table([
      ['figure', before, after, 'ratio', 'of the pairs', 'chance of noise', ''],
      ...figures.map(({ figure, before, after, ratio, lowest, highest, noise, change }) => [
        figure,
        milliseconds(before),
        milliseconds(after),
        `${ratio.toFixed(2)}x`,
        `${lowest.toFixed(2)} … ${highest.toFixed(2)}`,
        noise.toFixed(3),
        words[change],
      ]),
    ]),
    '',
    `${pairs} pairs of runs; a change counts when noise alone makes it, in any of the figures, less than once in ${Math.round(1 / NOISE_CHANCE)} such comparisons.`,
    slower.length > 0 ? `SLOWER: ${slower.join(', ')}.` : `Nothing became slower${faster.length > 0 ? `; faster: ${faster.join(', ')}` : ', and nothing faster'}.`,
  ].join('\n');
}
