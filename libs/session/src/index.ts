export { SessionModule } from './session.module.ts';
export type { SessionModuleOptions } from './session.module-definition.ts';
export { SessionStore } from './session.store.ts';
export { SessionError } from './session.error.ts';
export type { SessionErrorCode } from './session.error.ts';
export { cartLimit, quantityLimit } from './session.ts';
export type { NewSession, Session, SessionAccount, SessionSummary } from './session.ts';
export { signSessionId, verifySessionId } from './session-id.ts';
