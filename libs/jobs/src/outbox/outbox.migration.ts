import type { Migration } from '@tenfold/database';
import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Messages of one key are in one lane; a relay sends the lanes that no other one is sending. */
export const lanes = 4;

/** Partitions of the outbox, filled in turn. */
const turns = [0, 1, 2];

const secondsPerTurn = 60;

class CreateOutbox1763000000001 implements MigrationInterface {
  readonly name = 'CreateOutbox1763000000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE outbox (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        message_id uuid NOT NULL,
        topic text NOT NULL,
        key text NOT NULL,
        payload text NOT NULL,
        headers jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
      ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0)
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE outbox');
  }
}

/**
 * The outbox as a log: rows are added and never changed; partitions are emptied as a whole once all in them has been
 * sent. So there is nothing to vacuum, and no old snapshot can keep dead rows in the way.
 *
 * What has been sent is told by snapshots, as in PgQ (https://wiki.postgresql.org/wiki/PgQ_Tutorial): a tick is a
 * snapshot taken now and then; what is visible in one tick and was not in an earlier one has been committed between the
 * two, however low its id and however long its transaction took. The position of a lane is a tick, kept in a sequence:
 * its value changes in place, so it leaves no dead rows either.
 */
class MakeOutboxALog1763000000003 implements MigrationInterface {
  readonly name = 'MakeOutboxALog1763000000003';
  // The new table has the columns that the running version names: its relays send all of it again, and the inbox knows it.
  readonly accepts = ['rename'] as const;

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE outbox RENAME TO outbox_before');
    await runner.query('CREATE SEQUENCE outbox_id');
    // What a sequence tells before its first use is also what it tells after it.
    await runner.query(`SELECT nextval('outbox_id')`);
    // The transaction id comes first: who has taken an id is known to be running by then, see outbox_tick.
    await runner.query(`
      CREATE TABLE outbox (
        xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
        id bigint NOT NULL DEFAULT nextval('outbox_id'),
        turn smallint NOT NULL DEFAULT (${currentTurn}),
        lane smallint NOT NULL GENERATED ALWAYS AS ((hashtextextended(key, 0) & ${lanes - 1})::smallint) STORED,
        message_id uuid NOT NULL,
        topic text NOT NULL,
        key text NOT NULL,
        payload text NOT NULL,
        headers jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
      ) PARTITION BY LIST (turn)`);
    for (const turn of turns) {
      await runner.query(`CREATE TABLE outbox_${turn} PARTITION OF outbox FOR VALUES IN (${turn}) WITH (autovacuum_enabled = false)`);
    }
    await runner.query('CREATE INDEX outbox_by_lane ON outbox (lane, xid)');
    await runner.query(`
      CREATE TABLE outbox_ticks (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        snapshot pg_snapshot NOT NULL,
        last_id bigint NOT NULL,
        xid xid8 NOT NULL,
        settled boolean NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp()
      )`);
    // In the first tick nothing is visible.
    await runner.query(`INSERT INTO outbox_ticks (snapshot, last_id, xid, settled) VALUES ('1:1:', 0, '1', false)`);
    for (let lane = 0; lane < lanes; lane += 1) {
      await runner.query(`CREATE SEQUENCE outbox_lane_${lane}`);
      await runner.query(`SELECT setval('outbox_lane_${lane}', (SELECT id FROM outbox_ticks))`);
    }
    // In PL/pgSQL, whose statements are planned once a connection and not once a call.
    const functions = [
      // Each tick's snapshot holds all of the earlier one's: that is what the lock is for. A tick is settled when whoever had
      // taken an id by the tick before has ended in it, and no id was taken since: then there is nothing to take another for.
      `CREATE FUNCTION outbox_tick() RETURNS bigint LANGUAGE plpgsql AS $$
       DECLARE
         last outbox_ticks;
         newest bigint;
       BEGIN
         PERFORM set_config('idle_in_transaction_session_timeout', '5000', true), pg_advisory_xact_lock(7350041);
         SELECT * INTO last FROM outbox_ticks ORDER BY id DESC LIMIT 1;
         SELECT last_value INTO newest FROM outbox_id;
         IF newest = last.last_id AND last.settled THEN RETURN last.id; END IF;
         INSERT INTO outbox_ticks (snapshot, last_id, xid, settled)
           SELECT now, newest, pg_current_xact_id(), newest = last.last_id AND pg_snapshot_xmin(now) >= last.xid
           FROM pg_current_snapshot() AS now
           RETURNING id INTO last.id;
         RETURN last.id;
       END $$`,
    
      // A tick that a lane's position names and that does not exist was rolled back: the one before it holds.
      `CREATE FUNCTION outbox_position(lane int) RETURNS outbox_ticks LANGUAGE sql AS $$
         SELECT * FROM outbox_ticks WHERE id <= pg_sequence_last_value(('outbox_lane_' || lane)::regclass) ORDER BY id DESC LIMIT 1
       $$`,
    
      // A page of what was committed between the lane's position and a later tick. With a target it is the next page of that.
      `CREATE FUNCTION outbox_take(lane int, after bigint, target_id bigint, size int)
       RETURNS TABLE (tick bigint, id bigint, message_id uuid, topic text, key text, payload text, headers jsonb, lsn text)
       LANGUAGE plpgsql AS $$
       #variable_conflict use_column
       DECLARE
         done outbox_ticks := outbox_position(outbox_take.lane);
         target outbox_ticks;
       BEGIN
         IF target_id IS NULL THEN
           SELECT * INTO target FROM outbox_ticks WHERE outbox_ticks.id > done.id
             AND (outbox_ticks.last_id <= done.last_id + size
               OR outbox_ticks.id = (SELECT min(next.id) FROM outbox_ticks next WHERE next.id > done.id))
             ORDER BY outbox_ticks.id DESC LIMIT 1;
         ELSE
           SELECT * INTO target FROM outbox_ticks WHERE outbox_ticks.id = target_id;
         END IF;
         IF target.id IS NULL THEN RETURN; END IF;
         RETURN QUERY
           SELECT target.id, o.id, o.message_id, o.topic, o.key, o.payload, o.headers, pg_current_wal_insert_lsn()::text
           FROM (SELECT) AS once LEFT JOIN (
             SELECT * FROM outbox WHERE lane = outbox_take.lane
               AND xid >= pg_snapshot_xmax(done.snapshot) AND xid < pg_snapshot_xmax(target.snapshot)
             UNION ALL
             SELECT outbox.* FROM pg_snapshot_xip(done.snapshot) AS running JOIN outbox ON outbox.lane = outbox_take.lane AND outbox.xid = running
           ) AS o ON pg_visible_in_snapshot(o.xid, target.snapshot) AND o.id > after
           ORDER BY o.id LIMIT size;
       END $$`,
    
      // Empties the partitions that are not being filled and hold nothing unsent. Checked again under the lock, which nobody
      // with an uncommitted row in the partition has given way to; so a clock that jumps costs no message.
      `CREATE FUNCTION outbox_rotate() RETURNS void LANGUAGE plpgsql AS $$
       DECLARE
         sent outbox_ticks;
         turn int;
         filled boolean;
         unsent boolean;
         find_unsent text := 'SELECT EXISTS (SELECT FROM %1$I WHERE lane = ANY ($2) AND xid >= pg_snapshot_xmax($1))
           OR EXISTS (SELECT FROM pg_snapshot_xip($1) AS running JOIN %1$I ON lane = ANY ($2) AND xid = running)';
         every_lane int[] := ARRAY(SELECT generate_series(0, ${lanes - 1}));
       BEGIN
         IF NOT pg_try_advisory_xact_lock(7350043) THEN RETURN; END IF;
         PERFORM set_config('lock_timeout', '100', true);
         SELECT position.* INTO sent FROM unnest(every_lane) AS lane, outbox_position(lane) AS position ORDER BY position.id LIMIT 1;
         FOREACH turn IN ARRAY '{${turns.join(',')}}'::int[] LOOP
           CONTINUE WHEN turn = ${currentTurn};
           EXECUTE format('SELECT EXISTS (SELECT FROM %I)', 'outbox_' || turn) INTO filled;
           EXECUTE format(find_unsent, 'outbox_' || turn) INTO unsent USING sent.snapshot, every_lane;
           CONTINUE WHEN unsent OR NOT filled;
           BEGIN
             EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', 'outbox_' || turn);
             EXECUTE format(find_unsent, 'outbox_' || turn) INTO unsent USING sent.snapshot, every_lane;
             IF NOT unsent THEN EXECUTE format('TRUNCATE %I', 'outbox_' || turn); END IF;
           EXCEPTION WHEN lock_not_available THEN
             -- Somebody reads it, or has written in it for long: next time.
             NULL;
           END;
         END LOOP;
         DELETE FROM outbox_ticks WHERE id < sent.id;
       END $$`,
    ];
    for (const statement of functions) await runner.query(statement);
    await runner.query(`
      INSERT INTO outbox (message_id, topic, key, payload, headers, created_at)
      SELECT message_id, topic, key, payload, headers, created_at FROM outbox_before ORDER BY id`);
    await runner.query('DROP TABLE outbox_before');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP FUNCTION outbox_tick, outbox_position, outbox_take, outbox_rotate');
    await runner.query('DROP TABLE outbox, outbox_ticks');
    await runner.query(`DROP SEQUENCE outbox_id, ${Array.from({ length: lanes }, (_, lane) => `outbox_lane_${lane}`).join(', ')}`);
    await new CreateOutbox1763000000001().up(runner);
  }
}

const currentTurn = `extract(epoch FROM clock_timestamp())::bigint / ${secondsPerTurn} % ${turns.length}`;

/** What waits for its time: delayed messages, what is pending of its kind, schedules. */
class DelayMessages1763000000004 implements MigrationInterface {
  readonly name = 'DelayMessages1763000000004';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE outbox_delayed (
        message_id uuid PRIMARY KEY,
        topic text NOT NULL,
        key text NOT NULL,
        payload text NOT NULL,
        headers jsonb NOT NULL,
        due_at timestamptz NOT NULL
      )`);
    await runner.query('CREATE INDEX outbox_delayed_by_time ON outbox_delayed (due_at)');
    await runner.query(`
      CREATE TABLE outbox_pending (
        topic text NOT NULL,
        unique_key text NOT NULL,
        message_id uuid NOT NULL UNIQUE,
        PRIMARY KEY (topic, unique_key)
      )`);
    await runner.query('CREATE TABLE outbox_schedules (name text PRIMARY KEY, cron text NOT NULL, next_at timestamptz NOT NULL)');
    await runner.query(`
      CREATE FUNCTION outbox_promote() RETURNS int LANGUAGE plpgsql AS $$
      DECLARE
        promoted int;
      BEGIN
        WITH due AS (
          DELETE FROM outbox_delayed WHERE message_id IN (
            SELECT message_id FROM outbox_delayed WHERE due_at <= now() ORDER BY due_at FOR UPDATE SKIP LOCKED LIMIT 500)
          RETURNING *
        )
        INSERT INTO outbox (message_id, topic, key, payload, headers)
        SELECT message_id, topic, key, payload, headers FROM due ORDER BY due_at;
        GET DIAGNOSTICS promoted = ROW_COUNT;
        RETURN promoted;
      END $$`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP FUNCTION outbox_promote');
    await runner.query('DROP TABLE outbox_delayed, outbox_pending, outbox_schedules');
  }
}

/** For the migrations of every service that calls `addMessage`. */
export const outboxMigrations: readonly Migration[] = [
  CreateOutbox1763000000001,
  MakeOutboxALog1763000000003,
  DelayMessages1763000000004,
];
