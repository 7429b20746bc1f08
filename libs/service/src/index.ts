export { showsToken } from './bearer.token.ts';
export { ConfigurationError, loadConfig, numbered, readConfig } from './config.loader.ts';
export type { ConfigOf, ConfigShape, NumberedField, NumberedSetting } from './config.loader.ts';
export {
  cacheRedisSettings,
  callAddresses,
  callServerSettings,
  cookieSettings,
  databaseSettings,
  httpSettings,
  kafkaSettings,
  listOf,
  mailSettings,
  objectStoreSettings,
  rateLimitSettings,
  serviceSettings,
  sessionRedisSettings,
  shardSettings,
} from './service.settings.ts';
export { gatherWrites } from './gathered.writes.ts';
export { FaultModule, FaultSwitch } from './fault.switch.ts';
export type { Fault } from './fault.switch.ts';
export { Health } from './health.registry.ts';
export type { Dependency } from './health.registry.ts';
export { HealthModule } from './health.module.ts';
export { Admission } from './load/admission.ts';
export type { AdmissionOptions, Priority } from './load/admission.ts';
export { runService } from './run.service.ts';
export type { HttpOptions } from './http.app.ts';
export type { ServiceConfig, ServiceOptions } from './run.service.ts';
