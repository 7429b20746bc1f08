import type { MeasuredCosts } from './measured-costs.ts';
import { rateBy } from './scalability-law.ts';
import type { ScalabilityLaw } from './scalability-law.ts';
import type { Demand, Limit, Shipped } from './scaling-plan.ts';

interface Page {
  costs: MeasuredCosts;
  shipped: Shipped;
  target: number;
  demands: readonly Demand[];
  limits: readonly Limit[];
  law: ScalabilityLaw;
}

const whole = (value: number) => Math.round(value).toLocaleString('en');
const short = (value: number) => (value >= 100 ? whole(value) : value >= 10 ? value.toFixed(1) : value.toPrecision(2));
const percent = (share: number) => `${(share * 100).toFixed(0)} %`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]) => [`| ${head.join(' | ')} |`, `|${head.map(() => '---').join('|')}|`, ...rows.map((row) => `| ${row.join(' | ')} |`)].join('\n');

/** docs/scaling-plan.md. */
export function scalingPlanPage({ costs, shipped, target, demands, limits, law }: Page): string {
  const { run } = costs;
  const kinds = [...costs.cpuSeconds].toSorted(([, a], [, b]) => b - a);
  const total = kinds.reduce((sum, [, seconds]) => sum + seconds, 0);
  const services = new Set(shipped.services.map(({ name }) => name));
  const servicesFirst = kinds.toSorted(([a], [b]) => Number(services.has(b)) - Number(services.has(a)));
  const factors = demands.map(({ factor, rate }) => `${factor}x: ${whole(rate)}/s`);
  const withReplicas = (kind: string, { replicas, cores }: Demand) => `${replicas.has(kind) ? `${replicas.get(kind)} replicas, ` : ''}${short(cores.get(kind) ?? 0)} cores`;
  return `# The plan for ten times as much

Written by \`npm run capacity\` from \`loadtests/results\`, the manifests and the configuration; a test compares it with them. **Every figure comes from one machine**: ${run.machine.cores} cores (${run.machine.cpu}), the shop, its data services and the load generator all on it, at ${whole(run.rate)} requests a second of the mix (${run.at.slice(0, 10)}, ${run.commit}, ${percent(run.cacheHitRate ?? NaN)} from caches). Costs per request are taken to stay the same as the rate grows. They do not quite: caches get warmer, batches of the outbox and of the log larger, and data outgrows memory. So the order of what follows is worth more than its figures; measure again at each step.

## What a request costs
The mean over the mix, milliseconds of CPU of all replicas of a kind together; ${total === 0 ? '' : `${(total * 1000).toFixed(2)} ms in all. `}A request of the mix makes ${costs.jobsPerRequest.toFixed(2)} jobs and events.

${table(['process', 'ms of CPU', 'share', 'MiB of one'], kinds.map(([kind, seconds]) => [kind, (seconds * 1000).toFixed(3), percent(seconds / total), whole(costs.mebibytes.get(kind) ?? 0)]))}

Of one job: ${perJob(costs)} ms of CPU in \`worker\` and ${perJob(costs, 'kafka')} in Kafka. A call and a statement have no figure of their own here: load tests count CPU by process. \`npm run bench\` compares both with others, in [benchmarks](benchmarks.md).

## What each rate needs
A replica is added at ${shipped.targetCores} cores, as the autoscalers do; no service has fewer than two.

${table(['', ...factors], [
    ...servicesFirst.map(([kind]) => [kind, ...demands.map((demand) => withReplicas(kind, demand))]),
    ['all cores', ...demands.map(({ cores }) => short([...cores.values()].reduce((sum, value) => sum + value, 0)))],
    ['memory, GiB', ...demands.map(({ mebibytes }) => short(mebibytes / 1024))],
    ['connections of services to PgBouncer', ...demands.map(({ pgbouncerClients }) => whole(pgbouncerClients))],
    ['jobs and events a second', ...demands.map(({ jobsPerSecond }) => whole(jobsPerSecond))],
  ])}

Memory is that of processes on a small data set. What orders, events and sessions add with time is not in it, nor Kafka's disk: neither is measured. Sessions: some 0.5 KB each ([session](../libs/session/README.md)), so the 192 MB of \`infra/redis/session.conf\` hold some 390,000.

## What breaks first
${table(['requests/s', 'times the target', 'what', 'because', 'then'], limits.map(({ name, rate, why, step }) => [whole(rate), short(rate / target), name, why, step]))}

A database or broker with ${shipped.serverCores} cores is an assumption. **A bigger machine is the cheaper bridge** where the limit is a server's cores, as for \`postgres-primary\`, up to the largest that one can rent: no code, no second thing to keep consistent. It is none for what runs on one thread (HAProxy as it is set, PgBouncer, Redis), nor where partitions or \`maxReplicas\` are the limit.

## How far the shop goes on this machine
The universal scalability law (Gunther), fitted to ${costs.points.length} measured steps; requests in flight by Little's law from the median latency, since results keep no mean, so they are rather too few.

${table(['', ''], [
    ['one at a time, λ', `${whole(law.lambda)} requests/s`],
    ['waiting for what is shared, σ', law.sigma.toPrecision(3)],
    ['agreeing with each other, κ', law.kappa.toPrecision(3)],
    ['most that it can answer', law.peak.concurrency === Infinity ? `towards ${whole(law.peak.rate)} requests/s; no peak within what was measured` : `${whole(law.peak.rate)} requests/s, at ${whole(law.peak.concurrency)} in flight`],
    ['error', `${(law.error * 100).toFixed(1)} % of the rate (root mean square); ${(law.leftOutError * 100).toFixed(1)} % for a step that was left out`],
  ])}

${table(['in flight', 'measured', 'by the law'], costs.points.toSorted((a, b) => a.concurrency - b.concurrency).map((point) => [short(point.concurrency), whole(point.rate), whole(rateBy(law, point.concurrency))]))}

It is the law of ${run.machine.cores} cores that everything shares, the generator too: its σ is their queue. It says how one machine saturates, not what a second machine adds: that takes points of several machines, which nobody has measured.
`;
}

function perJob(costs: MeasuredCosts, kind = 'worker'): string {
  return (((costs.cpuSeconds.get(kind) ?? 0) / costs.jobsPerRequest) * 1000).toFixed(2);
}
