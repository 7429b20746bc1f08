import { database } from './database.dashboard.ts';
import type { Dashboard } from './dashboard.ts';
import { jobs } from './jobs.dashboard.ts';
import { loadTest } from './load-test.dashboard.ts';
import { service } from './service.dashboard.ts';
import { system } from './system.dashboard.ts';

export const dashboards: readonly Dashboard[] = [system, service, database, jobs, loadTest];
