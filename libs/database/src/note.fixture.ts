import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { MigrationInterface, QueryRunner } from 'typeorm';

@Entity('note')
export class Note {
  @PrimaryColumn('int')
  id!: number;

  @Column('text', { unique: true })
  text!: string;
}

export class CreateNote1763000000000 implements MigrationInterface {
  readonly name = 'CreateNote1763000000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE note (id int PRIMARY KEY, text text NOT NULL UNIQUE)');
    await runner.query(`INSERT INTO note VALUES (1, 'first')`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE note');
  }
}
