import { inboxMigrations, jobStateMigrations, outboxMigrations } from '@tenfold/jobs';
import { CreateReports1764000000000 } from './1764000000000-create-reports.ts';
import { CreateSales1764000000001 } from './1764000000001-create-sales.ts';
import { TrackReports1764000000002 } from './1764000000002-track-reports.ts';
import { CreateSalesGenerations1764000000003 } from './1764000000003-create-sales-generations.ts';
import { CreateStandInPayments1764000000004 } from './1764000000004-create-stand-in-payments.ts';

export const migrations = [
  ...outboxMigrations,
  ...inboxMigrations,
  ...jobStateMigrations,
  CreateReports1764000000000,
  CreateSales1764000000001,
  TrackReports1764000000002,
  CreateSalesGenerations1764000000003,
  CreateStandInPayments1764000000004,
];
