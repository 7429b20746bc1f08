import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateOrders1764000000001 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    // The id holds `created_at` (UUIDv7), so the pair is as unique as the id, and a look-up by id finds its partition.
    await queryRunner.query(`
      create table orders (
        id uuid not null,
        account_id uuid not null,
        status text not null check (status in ('confirmed', 'cancelled')),
        total_cents bigint not null check (total_cents >= 0),
        created_at timestamptz not null,
        lines jsonb not null,
        primary key (id, created_at)
      ) partition by range (created_at)`);
    await queryRunner.query('create index orders_of_account on orders (account_id, created_at desc, id desc)');
    await queryRunner.query('create table orders_default partition of orders default');
    // 24 months back, this one, and 3 ahead.
    await queryRunner.query(`
      do $$
      declare
        month timestamp := date_trunc('month', now() at time zone 'UTC') - interval '24 months';
      begin
        for n in 0..27 loop
          execute format('create table %I partition of orders for values from (%L) to (%L)',
            to_char(month, '"orders_y"YYYY"m"MM'), month::text || '+00', (month + interval '1 month')::text || '+00');
          month := month + interval '1 month';
        end loop;
      end $$`);
    // While 'claimed', `answer` holds the items to order; once 'placed', the order.
    // The room left in each page lets the one update of a row stay in it, so that no index entry is written for it.
    await queryRunner.query(`
      create table idempotency_keys (
        account_id uuid not null,
        key text not null,
        body_hash text not null,
        order_id uuid not null,
        state text not null check (state in ('claimed', 'placed', 'refused')),
        answer jsonb not null,
        created_at timestamptz not null default now(),
        primary key (account_id, key)
      ) with (fillfactor = 50)`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table idempotency_keys, orders');
  }
}
