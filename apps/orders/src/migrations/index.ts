import { outboxMigrations } from '@tenfold/jobs';
import { CreateOrders1764000000001 } from './1764000000001-create-orders.ts';

export const migrations = [...outboxMigrations, CreateOrders1764000000001];
