import type { Account } from '@tenfold/contracts';
import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('accounts')
export class AccountEntity {
  @PrimaryColumn('uuid')
  id!: string;

  /** Lower case; unique. */
  @Column('text')
  email!: string;

  @Column('text')
  name!: string;

  @Column('text')
  role!: Account['role'];

  /** In PHC form, with the parameters it was made with. */
  @Column('text', { name: 'password_hash' })
  passwordHash!: string;

  /** Cannot log in. */
  @Column('boolean')
  disabled!: boolean;

  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;
}
