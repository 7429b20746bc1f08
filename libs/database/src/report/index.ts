export { reportOn } from './database.report.ts';
export type { ReportTarget } from './database.report.ts';
