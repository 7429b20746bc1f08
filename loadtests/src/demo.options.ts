import { parseArgs } from 'node:util';
import { z } from 'zod';

export const usage = `Usage: npm run demo [-- options]

  --once          end after the report: exit code 0 if all targets are met, else 1
  --seconds N     length of the measured run (20)
  --rate N        requests per second (that of loadtests/targets.json, for as many cores as there are)
  --caches        instead of the report: the mix with each cache off, and with none (half the rate, 10 s each)
  --scale N       multiplies products, accounts and orders (1)
  --with metrics  Prometheus beside the shop: docs/metrics.md
  --no-install    refuse to install missing programs
`;

const demoOptions = z.strictObject({
  once: z.boolean().default(false),
  caches: z.boolean().default(false),
  seconds: z.coerce.number().min(1).max(86_400).optional(),
  rate: z.coerce.number().min(1).max(100_000).optional(),
  scale: z.coerce.number().min(0.01).max(1000).default(1),
  with: z.array(z.enum(['metrics'])).default([]),
  'no-install': z.boolean().default(false),
  help: z.boolean().default(false),
});
export type DemoOptions = z.output<typeof demoOptions>;

/** Reads the command line; throws an Error for a person that names every wrong option. */
export function readDemoOptions(args: readonly string[]): DemoOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      once: { type: 'boolean' },
      caches: { type: 'boolean' },
      seconds: { type: 'string' },
      rate: { type: 'string' },
      scale: { type: 'string' },
      with: { type: 'string', multiple: true },
      'no-install': { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const options = demoOptions.safeParse(values);
  if (options.success) return options.data;
  throw new Error(options.error.issues.map(({ path, message }) => `--${path.join('.')}: ${message}`).join('\n'));
}
