import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { clusterDirectory, profileTokenOf, readStatus } from '@tenfold/local-cluster';
import { costsByFunction, costsByOwner, inclusiveCosts } from './costs.ts';
import type { Cost } from './costs.ts';
import { factsOf, readProfileFile, unitOf, writeProfile } from './profile.files.ts';
import { readProfileOptions, usage } from './profile.options.ts';
import type { ProfileOptions } from './profile.options.ts';
import { ProfileRefused, requireReplica, takeReplicaProfile } from './replica.profile.ts';
import type { ReplicaProfile } from './replica.profile.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const say = (line: string) => process.stdout.write(`${line}\n`);

/** Operations port and token of the replica that is meant. */
async function replicaOf({ name, url }: ProfileOptions): Promise<{ replica: string; operations: string; token: string }> {
  const environmentToken = process.env['PROFILE_TOKEN'];
  if (url !== undefined) {
    const operations = url.replace(/\/$/, '');
    if (environmentToken) return { replica: await requireReplica(operations, name), operations, token: environmentToken };
    throw new ProfileRefused('--url needs the token of that replica in the environment: PROFILE_TOKEN=… npm run profile -- …');
  }
  const directory = clusterDirectory();
  const operations = (await readStatus(directory))?.urls?.operations;
  if (!operations) throw new ProfileRefused('No cluster runs. Start one (npm run cluster -- up, or npm run demo), or name a replica elsewhere by --url.');
  const replica = Object.keys(operations).sort().find((replica) => replica === name || replica.replace(/-\d+$/, '') === name);
  if (replica === undefined) throw new ProfileRefused(`No replica "${name}" runs; there are ${Object.keys(operations).sort().join(', ')}.`);
  return { replica, operations: operations[replica] as string, token: environmentToken ?? profileTokenOf(directory) ?? '' };
}

async function takeOne(options: ProfileOptions): Promise<ReplicaProfile> {
  const { kind, seconds } = options;
  const { replica, operations, token } = await replicaOf(options);
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  say(`${replica}: ${kind} for ${seconds} s …`);
  return takeReplicaProfile(operations, { token, kind, seconds, signal: stop.signal });
}

async function main(options: ProfileOptions): Promise<void> {
  const taken = options.file === undefined ? await takeOne(options) : readProfileFile(options.name, options.file);
  const { profile, flamegraph, tree } = await writeProfile(taken, resolve(root, options.out));
  for (const fact of factsOf(taken)) say(fact);
  if (tree.total === 0) say('Nothing was seen: the replica was idle. Put load on it meanwhile, for instance by npm run demo.');
  // Whoever waits is more telling than the one line that makes the promise.
  else sayCosts(taken, costsByOwner(tree).slice(0, 6), (taken.kind === 'io' ? inclusiveCosts(tree) : costsByFunction(tree)).slice(0, 10));
  say(`\nChrome's developer tools   ${relative(process.cwd(), profile)}`);
  say(`flamegraph                 ${relative(process.cwd(), flamegraph)}`);
}

function sayCosts({ kind }: ReplicaProfile, ...lists: Cost[][]): void {
  const amount = (value: number) => (unitOf(kind) === 'bytes' ? `${Math.round(value / 1024).toLocaleString('en')} KiB` : `${Math.round(value).toLocaleString('en')} ms`);
  for (const costs of lists) {
    say('');
    for (const { name, place, value, share } of costs) say(`${(share * 100).toFixed(1).padStart(5)} %  ${amount(value).padStart(12)}  ${name}  ${place}`.trimEnd());
  }
}

/** Errors for a person are told in their own words; any other one with its stack. */
async function run(): Promise<number> {
  let options: ProfileOptions | undefined;
  try {
    options = readProfileOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  if (!options) {
    process.stdout.write(usage);
    return 0;
  }
  try {
    await main(options);
    return 0;
  } catch (error) {
    process.stderr.write(`${error instanceof ProfileRefused ? error.message : (error as Error).stack}\n`);
    return 1;
  }
}

process.exit(await run());
