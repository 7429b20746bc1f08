import type { Report } from '@tenfold/contracts';
import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('reports')
export class ReportEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'account_id' })
  accountId!: string;

  @Column('text')
  kind!: Report['kind'];

  @Column('date', { name: 'from_day' })
  from!: string;

  @Column('date', { name: 'to_day' })
  to!: string;

  @Column('text')
  state!: Report['state'];

  /** 0 to 100. */
  @Column('int')
  progress!: number;

  /** Key in the object store; null until it is done. */
  @Column('text', { nullable: true })
  file!: string | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;
}
