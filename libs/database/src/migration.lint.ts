import type { AlterTableCmd, AlterTableStmt, Constraint, Node } from '@pgsql/types';

/**
 * What a statement does to a table that stands in its way, beyond the moment that every change of a table's definition
 * needs. After squawk's rules, whose program is not to be had without a download.
 *
 * - `rewrites`, `scans`: writes (and for most, reads) wait until the whole table has been gone through.
 * - `breaks`: the version of the service that still runs fails with it.
 */
export type HazardKind = 'rewrites' | 'scans' | 'breaks';

export interface Hazard {
  rule: string;
  kind: HazardKind;
  table: string;
  /** What to do instead. */
  advice: string;
}

interface Rule {
  kind: HazardKind;
  advice: string;
}

const rules = {
  'create-index': { kind: 'scans', advice: 'create index concurrently, in a migration with `transaction = false`' },
  'alter-type': { kind: 'rewrites', advice: 'add a column of the new type, fill it by `backfill`, read it, then drop the old one' },
  'not-null-column': { kind: 'rewrites', advice: 'add the column with a constant default, or nullable and fill it by `backfill`' },
  'volatile-default': { kind: 'rewrites', advice: 'add the column without default, set the default next, and fill old rows by `backfill`' },
  'set-not-null': { kind: 'scans', advice: 'add `check (… is not null) not valid`, validate it in a migration of its own, then set not null' },
  'validated-constraint': { kind: 'scans', advice: 'add the constraint `not valid`, and validate it in a migration of its own' },
  'unique-constraint': { kind: 'scans', advice: 'create a unique index concurrently, then add the constraint `using index`' },
  'change-all-rows': { kind: 'scans', advice: 'change the rows in batches by `backfill`' },
  'rewrite-table': { kind: 'rewrites', advice: 'let autovacuum work, or use pg_repack' },
  'drop-column': { kind: 'breaks', advice: 'first ship a version that does not name the column, then drop it and accept `drop-column`' },
  'drop-table': { kind: 'breaks', advice: 'first ship a version that does not use the table, then drop it and accept `drop-table`' },
  rename: { kind: 'breaks', advice: 'add the new name beside the old one, move over to it, then drop the old one' },
} satisfies Record<string, Rule>;

export type HazardRule = keyof typeof rules;

/** What the statements of `sql` would do to tables that exist already. */
export async function hazardsOf(sql: string): Promise<Hazard[]> {
  // Loaded on demand: it is WebAssembly, and a service that runs never needs it.
  const { parse } = await import('libpg-query');
  const { stmts = [] } = (await parse(sql)) as { stmts?: { stmt?: Node }[] };
  return stmts.flatMap(({ stmt }) => (stmt ? hazardsOfStatement(stmt) : []));
}

function hazard(rule: HazardRule, table: string | undefined): Hazard {
  return { rule, table: table ?? '', ...rules[rule] };
}

function hazardsOfStatement(statement: Node): Hazard[] {
  if ('IndexStmt' in statement) {
    const { concurrent, relation } = statement.IndexStmt;
    return concurrent ? [] : [hazard('create-index', relation?.relname)];
  }
  if ('AlterTableStmt' in statement) return hazardsOfAlter(statement.AlterTableStmt);
  if ('RenameStmt' in statement) {
    const { renameType, relation } = statement.RenameStmt;
    return renameType === 'OBJECT_TABLE' || renameType === 'OBJECT_COLUMN' ? [hazard('rename', relation?.relname)] : [];
  }
  if ('DropStmt' in statement && statement.DropStmt.removeType === 'OBJECT_TABLE') {
    return (statement.DropStmt.objects ?? []).map((object) => hazard('drop-table', lastName(object)));
  }
  // Batches are bounded by a WHERE; whether closely enough is for the reviewer to say.
  if ('UpdateStmt' in statement && !statement.UpdateStmt.whereClause) return [hazard('change-all-rows', statement.UpdateStmt.relation?.relname)];
  if ('DeleteStmt' in statement && !statement.DeleteStmt.whereClause) return [hazard('change-all-rows', statement.DeleteStmt.relation?.relname)];
  if ('ClusterStmt' in statement) return [hazard('rewrite-table', statement.ClusterStmt.relation?.relname)];
  return [];
}

function hazardsOfAlter({ relation, cmds = [] }: AlterTableStmt): Hazard[] {
  return cmds.flatMap((command) => {
    if (!('AlterTableCmd' in command)) return [];
    const rule = ruleOfCommand(command.AlterTableCmd);
    return rule ? [hazard(rule, relation?.relname)] : [];
  });
}

function ruleOfCommand({ subtype, def }: AlterTableCmd): HazardRule | undefined {
  if (subtype === 'AT_AlterColumnType') return 'alter-type';
  if (subtype === 'AT_SetNotNull') return 'set-not-null';
  if (subtype === 'AT_DropColumn') return 'drop-column';
  if (subtype === 'AT_AddConstraint' && def && 'Constraint' in def) return ruleOfConstraint(def.Constraint);
  if (subtype === 'AT_AddColumn' && def && 'ColumnDef' in def) {
    const constraints = (def.ColumnDef.constraints ?? []).flatMap((node) => ('Constraint' in node ? [node.Constraint] : []));
    const standard = constraints.find(({ contype }) => contype === 'CONSTR_DEFAULT');
    // Whether a function is volatile the parser cannot know; a constant surely is not.
    if (standard?.raw_expr && !isConstant(standard.raw_expr)) return 'volatile-default';
    if (constraints.some(({ contype }) => contype === 'CONSTR_GENERATED' || contype === 'CONSTR_IDENTITY')) return 'volatile-default';
    if (!standard && constraints.some(({ contype }) => contype === 'CONSTR_NOTNULL')) return 'not-null-column';
    return constraints.map(ruleOfConstraint).find((rule) => rule !== undefined);
  }
  return undefined;
}

function ruleOfConstraint({ contype, skip_validation: notValid, indexname }: Constraint): HazardRule | undefined {
  if (contype === 'CONSTR_CHECK' || contype === 'CONSTR_FOREIGN') return notValid ? undefined : 'validated-constraint';
  if (contype === 'CONSTR_UNIQUE' || contype === 'CONSTR_PRIMARY' || contype === 'CONSTR_EXCLUSION') return indexname ? undefined : 'unique-constraint';
  return undefined;
}

function isConstant(expression: Node): boolean {
  if ('A_Const' in expression) return true;
  if ('TypeCast' in expression) return expression.TypeCast.arg !== undefined && isConstant(expression.TypeCast.arg);
  // now() is stable: it is evaluated once, and all old rows get that value.
  if ('SQLValueFunction' in expression) return true;
  if ('FuncCall' in expression) return (expression.FuncCall.funcname ?? []).some((name) => lastName(name) === 'now');
  return false;
}

function lastName(node: Node): string | undefined {
  if ('String' in node) return node.String.sval;
  if ('List' in node) return (node.List.items ?? []).map(lastName).at(-1);
  return undefined;
}
