/** For tools, which run from source without decorators. */
export { findJobState } from './job.state.ts';
export type { JobState, JobStateName } from './job.state.ts';
