import { escape } from '../report/escape.ts';
import type { ElasticityResult, ElasticitySample } from './elasticity.result.ts';

const WIDTH = 960;
const LEFT = 210;
const PANEL = 90;
const GAP = 34;
const TOP = 40;

interface Line {
  name: string;
  color: string;
  of: (sample: ElasticitySample) => number | undefined;
  /** Stays until it changes; else goes straight to the next value. */
  steps?: boolean;
}

interface Panel {
  title: string;
  lines: readonly Line[];
  /** A level that is drawn as such. */
  target?: number;
}

const [blue, orange, red, grey] = ['#2563eb', '#ea580c', '#dc2626', '#6b7280'] as const;

/** The curve as an SVG that needs nothing else: load, pods, what the autoscalers saw, latency; phases as bands. */
export function elasticityChart(result: ElasticityResult): string {
  const { samples, phases } = result;
  const end = Math.max(1, ...samples.map(({ second }) => second));
  const x = (second: number) => LEFT + (second / end) * (WIDTH - LEFT - 10);
  const panels = panelsOf(result);
  const bottom = TOP + panels.length * (PANEL + GAP);
  const bands = phases.map(({ name, from, to }, index) => {
    const width = x(to) - x(from);
    const label = width > 34 ? `<text x="${(x(from) + 3).toFixed(1)}" y="${TOP - 12}">${escape(name.replace('rollout ', ''))}</text>` : '';
    return `<rect x="${x(from).toFixed(1)}" y="${TOP - 24}" width="${width.toFixed(1)}" height="${bottom - TOP}" fill="${index % 2 === 0 ? '#f3f4f6' : '#e5e7eb'}"/>${label}`;
  });
  const minutes = Array.from({ length: Math.floor(end / 60) + 1 }, (_, minute) => `<text x="${x(minute * 60).toFixed(1)}" y="${bottom}" text-anchor="middle">${minute} min</text>`);
  const drawn = panels.map((panel, index) => drawPanel(panel, samples, TOP + index * (PANEL + GAP), x));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${bottom + 12}" font-family="system-ui, sans-serif" font-size="11">
<rect width="100%" height="100%" fill="#fff"/>
${[...bands, ...drawn, ...minutes].join('\n')}
</svg>
`;
}

function panelsOf({ autoscalers, reactions }: ElasticityResult): Panel[] {
  const scaled = reactions.map(({ service }) => service);
  const ofPods = scaled.map((service): Panel => ({
    title: `${service}, pods`,
    lines: [
      { name: 'wanted', color: orange, steps: true, of: ({ services }) => services[service]?.desired },
      { name: 'ready', color: blue, steps: true, of: ({ services }) => services[service]?.ready },
    ],
  }));
  const ofMetrics = autoscalers
    .filter(({ service }) => scaled.includes(service))
    .flatMap(({ service, targets }) =>
      Object.entries(targets).map(([metric, target]): Panel => ({
        title: `${service}, ${metric}`,
        target,
        lines: [{ name: 'a pod', color: blue, of: ({ services }) => services[service]?.metrics[metric] }],
      })),
    );
  return [
    {
      title: 'requests/s',
      lines: [
        { name: 'due', color: grey, of: ({ rate }) => rate },
        { name: 'refused', color: orange, of: ({ refused }) => refused },
        { name: 'failed', color: red, of: ({ failed }) => failed },
      ],
    },
    { title: 'p95, ms', lines: [{ name: 'p95', color: blue, of: ({ p95 }) => p95 }] },
    ...ofPods,
    ...ofMetrics,
  ];
}

function drawPanel({ title, lines, target }: Panel, samples: readonly ElasticitySample[], top: number, x: (second: number) => number): string {
  const series = lines.map((line) => ({ ...line, points: samples.flatMap((sample) => (line.of(sample) === undefined ? [] : [{ second: sample.second, value: line.of(sample) ?? 0 }])) }));
  const largest = Math.max(target ?? 0, ...series.flatMap(({ points }) => points.map(({ value }) => value)), Number.MIN_VALUE);
  const y = (value: number) => top + PANEL * (1 - value / largest);
  const path = ({ points, steps }: (typeof series)[number]) =>
    points.map(({ second, value }, index) => `${index === 0 ? 'M' : steps ? `H${x(second).toFixed(1)}V` : 'L'}${index > 0 && steps ? '' : `${x(second).toFixed(1)},`}${y(value).toFixed(1)}`).join('');
  const names = series.map(({ name, color }, index) => `<text x="4" y="${top + 26 + index * 14}" fill="${color}">${escape(name)}</text>`);
  const level = target === undefined ? '' : `<path d="M${LEFT},${y(target).toFixed(1)}H${WIDTH - 10}" stroke="${grey}" stroke-dasharray="4 3"/><text x="4" y="${top + 26 + names.length * 14}" fill="${grey}">target ${target}</text>`;
  return `<g><text x="4" y="${top + 10}" font-weight="600">${escape(title)}</text>${names.join('')}<text x="${LEFT - 4}" y="${top + 10}" text-anchor="end">${largest < 10 ? Number(largest.toFixed(2)) : Math.round(largest)}</text><text x="${LEFT - 4}" y="${top + PANEL}" text-anchor="end">0</text><path d="M${LEFT},${top + PANEL}H${WIDTH - 10}" stroke="#9ca3af"/>${level}${series.map((line) => `<path d="${path(line)}" fill="none" stroke="${line.color}" stroke-width="1.5"/>`).join('')}</g>`;
}
