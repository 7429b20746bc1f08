export { Answers } from './answers.decorator.ts';
export { CallError } from './call.error.ts';
export type { CallErrorOptions, CallIssue, TransportErrorCode } from './call.error.ts';
export type { CallClient, CallMethod, CallOptions } from './call.types.ts';
export { CallsModule, InjectCalls, callsToken } from './calls.module.ts';
export type { CallsModuleOptions } from './calls.module.ts';
export { callServer } from './call.server.ts';
export type { CallServerConfig, CallServerOptions } from './call.server.ts';
