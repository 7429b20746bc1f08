import { outboxMigrations } from '@tenfold/jobs';
import { CreateProducts1764000000000 } from './1764000000000-create-products.ts';

export const migrations = [...outboxMigrations, CreateProducts1764000000000];
