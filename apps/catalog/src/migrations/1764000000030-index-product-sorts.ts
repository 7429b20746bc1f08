import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A list of all products, and of a category, by name or by price is a range of one index, in either direction. */
export class IndexProductSorts1764000000030 implements MigrationInterface {
  readonly transaction = false;

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('create index concurrently if not exists products_by_name on products (name, id)');
    await queryRunner.query('create index concurrently if not exists products_by_price on products (price_cents, id)');
    await queryRunner.query('create index concurrently if not exists products_by_category_and_name on products (category_id, name, id)');
    await queryRunner.query('create index concurrently if not exists products_by_category_and_price on products (category_id, price_cents, id)');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const index of ['by_name', 'by_price', 'by_category_and_name', 'by_category_and_price']) {
      await queryRunner.query(`drop index concurrently if exists products_${index}`);
    }
  }
}
