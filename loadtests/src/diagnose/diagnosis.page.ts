import { callTreeOf } from '../profile/call-tree.ts';
import { costsByFunction, costsByOwner } from '../profile/costs.ts';
import type { Cost } from '../profile/costs.ts';
import { flamegraphFragment, flamegraphStyle, style } from '../profile/flamegraph.page.ts';
import { factsOf } from '../profile/profile.files.ts';
import type { ReplicaProfile } from '../profile/replica.profile.ts';
import { SourceMaps } from '../profile/source-maps.ts';
import { escape } from '../report/escape.ts';
import type { PoolUse } from './pool.watch.ts';
import type { StatementCost } from './statement.statistics.ts';

export interface Diagnosis {
  /** The run that was diagnosed, as the load test reports it. */
  report: string;
  /** Cores that each process used, busiest first. */
  cores: readonly { name: string; cores: number }[];
  cpu: ReplicaProfile;
  allocations: ReplicaProfile;
  statements: readonly StatementCost[];
  pools: readonly PoolUse[];
}

/** One page: where the time goes, the flamegraph, the slowest statements, the fullest pool. */
export async function diagnosisPage({ report, cores, cpu, allocations, statements, pools }: Diagnosis): Promise<string> {
  const maps = new SourceMaps(cpu.service.name);
  const tree = callTreeOf(cpu, maps);
  const memory = callTreeOf(allocations, maps);
  const title = `Diagnosis: ${cpu.service.replica}, the busiest replica`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${escape(title)}</title>
<style>${flamegraphStyle()}
${style}</style>
<h1>${escape(title)}</h1>
${factsOf(cpu).map((fact) => `<p>${escape(fact)}</p>`).join('\n')}
<div class="tables">
${table('Cores used by each process', ['process', 'cores'], cores.slice(0, 12).map(({ name, cores }) => [name, cores.toFixed(2)]))}
${costTable('CPU: whose code', costsByOwner(tree))}
${costTable('CPU: functions by themselves', costsByFunction(tree))}
${costTable('Memory asked for: whose code', costsByOwner(memory))}
</div>
${await flamegraphFragment(tree, 'milliseconds')}
<div class="tables">
${table('Statements, by their sum', ['ms', 'calls', 'ms each', 'node', 'statement'], statements.slice(0, 15).map(({ milliseconds, calls, node, database, statement }) => [milliseconds.toFixed(0), String(calls), (milliseconds / calls).toFixed(2), `${node} ${database}`, statement.replaceAll(/\s+/g, ' ').slice(0, 300)]))}
${table('Pools of PgBouncer, at their fullest', ['pool', 'in use', 'size', 'clients waiting', 'longest wait'], pools.slice(0, 12).map(({ pool, active, size, waiting, longestWaitMs }) => [pool, String(active), String(size), String(waiting), `${longestWaitMs.toFixed(0)} ms`]))}
</div>
<pre>${escape(report)}</pre>
</html>
`;
}

function costTable(caption: string, costs: readonly Cost[]): string {
  return table(caption, ['share', ''], costs.slice(0, 10).map(({ share, name, place }) => [`${(share * 100).toFixed(1)} %`, `${name} ${place}`.trim()]));
}

function table(caption: string, heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (cells: readonly string[], tag: 'td' | 'th') => `<tr>${cells.map((cell) => `<${tag}>${escape(cell)}`).join('')}`;
  return `<table><caption>${escape(caption)}</caption>${cells(heading, 'th')}${rows.map((row) => cells(row, 'td')).join('\n')}</table>`;
}
