import { Column, Entity, PrimaryGeneratedColumn, UpdateDateColumn, VersionColumn } from 'typeorm';

/** A row of `products` as a change loads and saves it; pages and details are read as plain rows. */
@Entity('products')
export class ProductEntity {
  @PrimaryGeneratedColumn('identity')
  id!: number;

  @Column('text')
  name!: string;

  @Column('text')
  description!: string;

  @Column('int', { name: 'category_id' })
  categoryId!: number;

  @Column('int', { name: 'price_cents' })
  priceCents!: number;

  @VersionColumn()
  version!: number;

  @UpdateDateColumn({ name: 'updated_at', type: 'timestamptz' })
  updatedAt!: Date;
}
