import { Client } from 'pg';

/** What EXPLAIN says of a node, as far as a shape needs it. */
interface PlanNode {
  'Node Type': string;
  'Index Name'?: string;
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
  Plans?: PlanNode[];
}

/**
 * The shape of a statement's plan, to be kept as a snapshot that changes only when the plan does: node types, index
 * names, and bounds (powers of four) of rows and of pages touched, never times. Partitions count as one, with how many
 * there were.
 */
export async function planOf(url: string, sql: string, parameters: readonly unknown[] = []): Promise<string> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(`explain (analyze, buffers, timing off, summary off, format json) ${sql}`, [...parameters]);
    const [plan] = rows;
    return plan ? `\n${linesOf(plan['QUERY PLAN'][0].Plan, 0).join('\n')}\n` : '';
  } finally {
    await client.end();
  }
}

function linesOf(node: PlanNode, depth: number): string[] {
  const where = [node['Index Name'] && `by ${withoutMonth(node['Index Name'])}`, node['Relation Name'] && `on ${withoutMonth(node['Relation Name'])}`].filter(Boolean).join(' ');
  const rows = node['Actual Rows'] * node['Actual Loops'];
  const removed = (node['Rows Removed by Filter'] ?? 0) * node['Actual Loops'];
  const figures = [`rows ≤ ${boundOf(rows)}`, removed > 0 && `filtered out ≤ ${boundOf(removed)}`, `pages ≤ ${boundOf(node['Shared Hit Blocks'] + node['Shared Read Blocks'])}`];
  const line = `${'  '.repeat(depth)}${[node['Node Type'], where].filter(Boolean).join(' ')}: ${figures.filter(Boolean).join(', ')}`;
  const children = (node.Plans ?? []).map((child) => linesOf(child, depth + 1));
  return [line, ...(isOverPartitions(node) ? summarised(node.Plans ?? [], depth + 1) : children.flat())];
}

const isOverPartitions = (node: PlanNode) => /Append/.test(node['Node Type']) && (node.Plans ?? []).every((child) => /_y\d{4}m\d{2}|_default/.test(child['Relation Name'] ?? ''));

/** Which partitions hold rows depends on the day, so only what may be done to one of them is kept. */
function summarised(children: readonly PlanNode[], depth: number): string[] {
  const kinds = new Map<string, number>();
  for (const child of children) {
    const kind = `${child['Node Type']}${child['Index Name'] ? ` by ${withoutMonth(child['Index Name'])}` : ''}`;
    // The default partition is empty, where a plan of another kind costs nothing.
    if (child['Relation Name']?.endsWith('_default') !== true) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  return [...kinds].map(([kind, count]) => `${'  '.repeat(depth)}${kind}, on ≤ ${boundOf(count)} partitions`);
}

const withoutMonth = (name: string) => name.replace(/_y\d{4}m\d{2}/, '_<month>');

function boundOf(value: number): number {
  let bound = 1;
  while (bound < value) bound *= 4;
  return bound;
}
