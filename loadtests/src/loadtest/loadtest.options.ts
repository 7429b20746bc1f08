import { parseArgs } from 'node:util';
import { z } from 'zod';
import { elasticityParts } from '../elasticity/elasticity.ts';
import { shapeNames } from './shapes.ts';

export const usage = `Usage: npm run loadtest -- <test> [options]

  smoke        30 s of little traffic: a sign of life
  load         the expected traffic, held against loadtests/targets.json
  stress       steps up to three times of it: the knee, the breaking point, what runs out
  spike        ten times as much within 5 s, and back: how long until all is as before
  soak         steady traffic for 10 minutes, or --seconds: heap after garbage collection, descriptors, timers
  breakpoint   as stress, in small steps up to five times of it
  elasticity   ramp, spike, fall and a backlog of jobs on Kubernetes, then a rollout of each service: what the autoscalers do
  selftest     shows that each gate trips, and that compare tells a route slowed by 5 ms from noise
  diagnose     the expected traffic, and meanwhile profiles of the busiest replica, statements and pools, on one page
  compare A B  two labels, each of five runs or more taken in turn: what became slower
  trend        a page of all results: loadtests/results/local/trend.html

  --rate N        requests per second that are expected (targets.json, by cores)
  --seconds N     length of the test, or of each step
  --users N       requests under way at most
  --customers N   who are logged in (60); each log-in costs the shop a quarter of a second of CPU
  --scale N       size of the seeded shop (1)
  --label NAME    for compare
  --only PART     with elasticity: spike, backlog or rollout
  --url URL       with elasticity: the shop in Kubernetes (http://127.0.0.1:30080)
  --keep          adds the result to those that are committed
  --no-report     no HTML report of k6, which costs k6 some CPU
  --no-install    neither builds k6 nor installs programs

A cluster that runs (npm run cluster -- up) is used and left as it is; without one, one is started and seeded, and
stopped at the end; elasticity needs a shop that npm run deploy -- elasticity has brought into the
Kubernetes of KUBECONFIG, seeded with the same --scale. Exit code: 0 when all targets are met, 1 when one is not, or the run says nothing.
`;

const positive = z.coerce.number().positive().max(1_000_000);

const loadtestOptions = z.strictObject({
  rate: positive.optional(),
  seconds: positive.optional(),
  users: positive.int().optional(),
  customers: positive.int().default(60),
  scale: z.coerce.number().min(0.01).max(1000).default(1),
  url: z.url().optional(),
  only: z.enum(elasticityParts).optional(),
  label: z.string().regex(/^[\w.-]+$/, 'letters, digits, dots and dashes').optional(),
  keep: z.boolean().default(false),
  'no-report': z.boolean().default(false),
  'no-install': z.boolean().default(false),
  help: z.boolean().default(false),
});
export type LoadtestOptions = z.output<typeof loadtestOptions>;

const commands = [...shapeNames, 'elasticity', 'selftest', 'diagnose', 'compare', 'trend', 'help'] as const;

export interface LoadtestCommand {
  command: (typeof commands)[number];
  /** What follows the command. */
  names: readonly string[];
  options: LoadtestOptions;
}

/** Reads the command line; throws an Error for a person that names everything that is wrong. */
export function readLoadtestCommand(args: readonly string[]): LoadtestCommand {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rate: text,
      seconds: text,
      users: text,
      customers: text,
      scale: text,
      url: text,
      only: text,
      label: text,
      keep: flag,
      'no-report': flag,
      'no-install': flag,
      help: { ...flag, short: 'h' },
    },
  });
  const [name = 'help', ...names] = positionals;
  const command = commands.find((known) => known === name);
  if (command === undefined) throw new Error(`There is no test "${name}"; there are ${commands.join(', ')}.`);
  if (command === 'compare' && names.length !== 2) throw new Error('compare takes two labels.');
  if (command !== 'compare' && names.length > 0) throw new Error(`${command} takes no "${names.join(' ')}".`);
  const options = loadtestOptions.safeParse(values);
  if (!options.success) throw new Error(options.error.issues.map(({ path, message }) => `--${path.join('.')}: ${message}`).join('\n'));
  return { command: options.data.help ? 'help' : command, names, options: options.data };
}
