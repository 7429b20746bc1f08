import { outboxMigrations } from '@tenfold/jobs';
import { CreateProducts1764000000000 } from './1764000000000-create-products.ts';
import { IndexProductSorts1764000000030 } from './1764000000030-index-product-sorts.ts';

export const migrations = [...outboxMigrations, CreateProducts1764000000000, IndexProductSorts1764000000030];
