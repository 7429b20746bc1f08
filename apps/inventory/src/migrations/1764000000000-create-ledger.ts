import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateLedger1764000000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      create table stock_events (
        product_id int not null,
        version int not null check (version > 0),
        type text not null check (type in ('restocked', 'reserved', 'released')),
        quantity int not null check (quantity > 0),
        reference uuid,
        at timestamptz not null default now(),
        primary key (product_id, version)
      )`);
    await queryRunner.query(`
      create unique index stock_events_by_delivery on stock_events (reference, product_id) where type = 'restocked'`);
    // The room left in each page lets an update stay in it, so that no index entry is written for it.
    await queryRunner.query(`
      create table stock_snapshots (
        product_id int primary key,
        version int not null check (version > 0),
        available int not null check (available >= 0),
        reserved int not null check (reserved >= 0)
      ) with (fillfactor = 70)`);
    await queryRunner.query(`
      create table reservations (
        order_id uuid primary key,
        items jsonb not null,
        state text not null check (state in ('reserved', 'released')),
        at timestamptz not null default now()
      )`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table reservations, stock_snapshots, stock_events');
  }
}
