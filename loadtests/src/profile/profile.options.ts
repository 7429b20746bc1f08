import { parseArgs } from 'node:util';
import { z } from 'zod';
import { profileKinds } from './replica.profile.ts';
import type { ProfileKind } from './replica.profile.ts';

export const usage = `Usage: npm run profile -- NAME [--cpu|--heap|--allocations|--io] [options]
       npm run profile -- --file FILE

Takes a profile of a replica, under whatever load there is, and writes it for Chrome's developer tools and as a
flamegraph. NAME is a replica of the running cluster (catalog-2) or a service, whose first replica is meant then.

  --cpu           what the main thread runs (the default)
  --allocations   where memory is asked for
  --heap          where memory was asked for meanwhile that is still held: what grows
  --io            where was waited for databases, calls, queues
  --seconds N     length (20)
  --url URL       operations port of a replica elsewhere, such as a forwarded port of a pod; PROFILE_TOKEN names its token
  --file FILE     makes a flamegraph of a .cpuprofile or .heapprofile that was taken before, such as one that a replica
                  took by itself; NAME may be left out where the file is called as replicas call theirs
  --out FOLDER    where to write (.tenfold/profiles)
`;

const switches = Object.fromEntries(profileKinds.map((kind) => [kind, { type: 'boolean' }])) as Record<ProfileKind, { type: 'boolean' }>;

const profileOptions = z.strictObject({
  name: z.string({ error: 'which service, or which replica?' }).regex(/^[a-z][a-z0-9-]*$/, 'a name such as catalog or catalog-2'),
  kind: z.enum(profileKinds),
  seconds: z.coerce.number({ error: '--seconds: a number' }).min(1, '--seconds: at least 1').max(300, '--seconds: at most 300'),
  url: z.url({ protocol: /^https?$/, error: '--url: such as http://127.0.0.1:9000' }).optional(),
  file: z.string().optional(),
  out: z.string(),
});
export type ProfileOptions = z.output<typeof profileOptions>;

/** Reads the command line; undefined when only help was asked for. @throws Error for a person */
export function readProfileOptions(args: readonly string[]): ProfileOptions | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...switches,
      seconds: { type: 'string', default: '20' },
      url: { type: 'string' },
      file: { type: 'string' },
      out: { type: 'string', default: '.tenfold/profiles' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return undefined;
  const kinds = profileKinds.filter((kind) => values[kind]);
  if (kinds.length > 1) throw new Error(`One kind at a time: --${kinds.join(' or --')}`);
  if (positionals.length > 1) throw new Error(`One name, not ${positionals.join(' and ')}`);
  const { seconds, url, file, out } = values;
  if (file !== undefined && url !== undefined) throw new Error('Either --file or --url');
  const name = positionals[0] ?? (file === undefined ? undefined : replicaNamedBy(file));
  const options = profileOptions.safeParse({ name, kind: kinds[0] ?? 'cpu', seconds, url, file, out });
  if (options.success) return options.data;
  throw new Error(options.error.issues.map(({ message }) => message).join('\n'));
}

/** `catalog-1` of `…/catalog-1-2026-11-24T18-43-06-558Z.cpuprofile`, and of `…/catalog-1-cpu-2026-…`. */
function replicaNamedBy(file: string): string | undefined {
  return /(?:^|\/)([a-z][a-z0-9-]*?)(?:-(?:cpu|heap|allocations|io))?-\d{4}-\d\d-\d\dT[^/]*$/.exec(file)?.[1];
}
