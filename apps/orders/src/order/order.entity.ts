import type { Order } from '@tenfold/contracts';
import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('orders')
export class OrderEntity {
  @PrimaryColumn('uuid')
  id!: string;

  /** The time within the id, kept as a column because the table is partitioned by it. */
  @PrimaryColumn('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  @Column('uuid', { name: 'account_id' })
  accountId!: string;

  @Column('text')
  status!: Order['status'];

  // The driver gives 64-bit integers as text. 50 lines of 99 pieces stay far below what a number holds exactly.
  @Column('bigint', { name: 'total_cents', transformer: { from: Number, to: String } })
  totalCents!: number;

  @Column('jsonb')
  lines!: Order['lines'];
}
