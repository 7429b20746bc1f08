import { inboxMigrations, outboxMigrations } from '@tenfold/jobs';
import { CreateReports1764000000000 } from './1764000000000-create-reports.ts';
import { CreateSales1764000000001 } from './1764000000001-create-sales.ts';

export const migrations = [...outboxMigrations, ...inboxMigrations, CreateReports1764000000000, CreateSales1764000000001];
