import { clusterDirectory, profileTokenOf } from '@tenfold/local-cluster';
import { runShape } from '../loadtest/run-shape.ts';
import type { Measurement, ShapeRunOptions } from '../loadtest/run-shape.ts';
import { LoadtestError } from '../loadtest/loadtest.error.ts';
import { ProfileRefused, takeReplicaProfile } from '../profile/replica.profile.ts';
import type { ReplicaProfile } from '../profile/replica.profile.ts';
import { observe, usageBetween } from '../report/observation.ts';
import { watchPools } from './pool.watch.ts';
import type { PoolUse } from './pool.watch.ts';
import { readStatements, statementsBetween } from './statement.statistics.ts';
import type { StatementCost } from './statement.statistics.ts';

/** Seconds of the judged phase in which it is decided which replica is the busiest. */
const LOOK_SECONDS = 5;

export interface Findings {
  measured: Measurement;
  cpu: ReplicaProfile;
  allocations: ReplicaProfile;
  statements: StatementCost[];
  pools: PoolUse[];
}

type DiagnosedRun = Omit<ShapeRunOptions, 'whileJudged'>;

/**
 * Runs a load test, and meanwhile has the busiest replica profiled, one kind after the other, while the databases and
 * their pools are watched. What is measured of the run is a little slower for that.
 */
export async function diagnose(run: DiagnosedRun): Promise<Findings> {
  let found: Omit<Findings, 'measured'> | undefined;
  const measured = await runShape({ ...run, whileJudged: async () => void (found = await look(run)) });
  if (!found) throw new LoadtestError('bad-option', 'The run ended before anything was looked at: give it more --seconds.');
  return { measured, ...found };
}

async function look({ system, shape, signal, onProgress }: DiagnosedRun): Promise<Omit<Findings, 'measured'>> {
  const judged = shape.phases.filter(({ name }) => name === shape.judged).reduce((sum, { seconds }) => sum + seconds, 0);
  const seconds = Math.floor((judged - LOOK_SECONDS - 5) / 2);
  if (seconds < 1) throw new LoadtestError('bad-option', `A diagnosis needs ${LOOK_SECONDS + 7} seconds at least.`);
  const pools = await watchPools(system.urls);
  try {
    const before = await readStatements(system.urls);
    const replica = await busiestReplica(system);
    const profile = (kind: 'cpu' | 'allocations') => {
      onProgress(`${kind} of ${replica} for ${seconds} s`);
      const token = process.env['PROFILE_TOKEN'] ?? profileTokenOf(clusterDirectory()) ?? '';
      return takeReplicaProfile(system.urls.operations[replica] as string, { token, kind, seconds, signal });
    };
    const cpu = await profile('cpu');
    const allocations = await profile('allocations');
    return { cpu, allocations, statements: statementsBetween(before, await readStatements(system.urls)), pools: pools.fullest() };
  } finally {
    await pools.end();
  }
}

async function busiestReplica(system: ShapeRunOptions['system']): Promise<string> {
  const processes = await system.processes();
  const before = await observe(system.urls, processes);
  await new Promise((resolve) => setTimeout(resolve, LOOK_SECONDS * 1000));
  const { cores } = usageBetween(before, await observe(system.urls, processes));
  const busiest = cores.find(({ name }) => name in system.urls.operations);
  if (!busiest) throw new ProfileRefused('No replica runs whose CPU can be read; this needs Linux.');
  return busiest.name;
}
