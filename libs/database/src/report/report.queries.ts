/** One section of the report: a question to one database of one server. */
export interface ReportQuery {
  title: string;
  /** What the reader can do about the rows. */
  advice: string;
  sql: string;
  /** On which kind of node the question makes sense. Default both. */
  on?: 'primary' | 'replica';
  /** Whether it is asked in the database `postgres`, which has the extension, with the database's name as parameter. */
  fromOutside?: boolean;
}

export const reportQueries: readonly ReportQuery[] = [
  {
    title: 'Statements by total time',
    advice: 'the first lines are where an index, a cache or a batch pays',
    sql: `select calls, round(total_exec_time::numeric) as "total ms", round(mean_exec_time::numeric, 2) as "mean ms",
        round(rows::numeric / greatest(calls, 1), 1) as "rows a call",
        round(100.0 * shared_blks_hit / greatest(shared_blks_hit + shared_blks_read, 1), 1) as "cache %",
        left(regexp_replace(query, '\\s+', ' ', 'g'), 110) as statement
      from pg_stat_statements where dbid = (select oid from pg_database where datname = $1) and calls > 1
      order by total_exec_time desc limit 10`,
    fromOutside: true,
  },
  {
    title: 'Unused indexes',
    advice: 'drop them, if no replica uses them either: every write maintains them',
    sql: `select relname as table, indexrelname as index, pg_size_pretty(pg_relation_size(indexrelid)) as size
      from pg_stat_user_indexes join pg_index using (indexrelid)
      where idx_scan = 0 and not indisunique and pg_relation_size(indexrelid) > 1024 * 1024 order by pg_relation_size(indexrelid) desc limit 10`,
  },
  {
    title: 'Duplicate indexes',
    advice: 'one of each pair does the work of both',
    sql: `select a.indrelid::regclass as table, a.indexrelid::regclass as index, b.indexrelid::regclass as "covered by"
      from pg_index a join pg_index b on a.indrelid = b.indrelid and a.indexrelid <> b.indexrelid
      where a.indrelid::regclass::text !~ '^pg_' and not a.indisunique and a.indpred is null and b.indpred is null and a.indexprs is null and b.indexprs is null
        and (b.indkey::text || ' ') like (a.indkey::text || ' ') || '%' and a.indclass[0] = b.indclass[0]
        and (a.indkey::text <> b.indkey::text or b.indisunique or a.indexrelid > b.indexrelid)
        and not exists (select from pg_inherits where inhrelid = a.indexrelid)`,
    on: 'primary',
  },
  {
    title: 'Foreign keys without an index',
    advice: 'deleting or changing the parent goes through the whole child table',
    sql: `select conrelid::regclass as table, conname as "foreign key", confrelid::regclass as parent from pg_constraint
      where contype = 'f' and conparentid = 0 and not exists (
        select from pg_index where indrelid = conrelid and (string_to_array(indkey::text, ' ')::int2[])[1:cardinality(conkey)] @> conkey)`,
    on: 'primary',
  },
  {
    title: 'Dead rows',
    advice: 'if autovacuum does not come, look for long transactions below; a bloated table is read slower',
    sql: `select relname as table, n_live_tup as live, n_dead_tup as dead, round(100.0 * n_dead_tup / greatest(n_live_tup + n_dead_tup, 1), 1) as "dead %",
        coalesce(greatest(last_autovacuum, last_vacuum)::timestamp(0)::text, 'never') as "last vacuum"
      from pg_stat_user_tables where n_dead_tup > 1000 order by n_dead_tup desc limit 10`,
    on: 'primary',
  },
  {
    title: 'Bloated indexes',
    advice: 'reindex concurrently; estimated from what the rows would need at the default fill factor',
    sql: `select c.relname as index, pg_size_pretty(pg_relation_size(c.oid)) as size, pg_size_pretty(wanted) as "would need"
      from pg_class c join pg_index i on i.indexrelid = c.oid join pg_am am on am.oid = c.relam and am.amname = 'btree'
        join pg_class t on t.oid = i.indrelid,
        lateral (select (greatest(t.reltuples, 0) * (16 + coalesce((select sum(avg_width) from pg_stats s
          join pg_attribute a on a.attrelid = c.oid and a.attname = s.attname where s.schemaname = 'public' and s.tablename = t.relname), 8)) / 0.9)::bigint as wanted) as w
      where t.relnamespace = 'public'::regnamespace and pg_relation_size(c.oid) > 4 * 1024 * 1024 and pg_relation_size(c.oid) > 2 * wanted order by pg_relation_size(c.oid) desc limit 10`,
    on: 'primary',
  },
  {
    title: 'Cache hit ratio',
    advice: 'below 99 % of a hot database, shared_buffers is small for what is read',
    sql: `select round(100.0 * blks_hit / greatest(blks_hit + blks_read, 1), 2) as "cache %", pg_size_pretty(pg_database_size(current_database())) as size,
        xact_commit as committed, xact_rollback as "rolled back", deadlocks, conflicts, temp_files as "temporary files"
      from pg_stat_database where datname = current_database()`,
  },
  {
    title: 'Transactions older than a minute',
    advice: 'they hold back vacuum and, on a replica, replay',
    sql: `select pid, usename as role, state, (now() - xact_start)::interval(0) as age, left(regexp_replace(query, '\\s+', ' ', 'g'), 90) as statement
      from pg_stat_activity where datname = current_database() and now() - xact_start > interval '1 minute' order by xact_start`,
  },
  {
    title: 'Replication',
    advice: 'a slot that nobody reads keeps log on the disk',
    sql: `select s.slot_name as slot, s.active, coalesce(r.state, 'not connected') as state,
        pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), r.replay_lsn)) as behind, r.replay_lag::interval(3) as lag, r.sync_state as sync,
        pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn)) as "log kept"
      from pg_replication_slots s left join pg_stat_replication r on r.pid = s.active_pid`,
    on: 'primary',
  },
];
