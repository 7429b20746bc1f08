export { Answers } from './answering/answers.decorator.ts';
export { CallError } from './call.error.ts';
export type { CallErrorOptions, CallIssue, TransportErrorCode } from './call.error.ts';
export type { CallClient, CallMethod, CallOptions } from './call.types.ts';
export { CallsModule, InjectCalls, callsToken } from './calling/calls.module.ts';
export type { CallsModuleOptions } from './calling/calls.module.ts';
export { callServer } from './answering/call.server.ts';
export type { CallServerConfig, CallServerOptions } from './answering/call.server.ts';
