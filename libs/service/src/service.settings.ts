import { z } from 'zod';
import { numbered } from './config.loader.ts';

const milliseconds = z.coerce.number().int().min(0);
const port = z.coerce.number().int().min(1).max(65_535);

const urlOf = (protocol: RegExp, example: string) =>
  z.url({ protocol, error: `a URL such as ${example}` });
const postgresUrl = urlOf(/^postgres(ql)?$/, 'postgresql://user:password@host:5432/database');
const redisUrl = urlOf(/^rediss?$/, 'redis://host:6379');

/** A setting that is a comma list. */
export const listOf = <Item extends z.ZodType<unknown, string>>(item: Item) =>
  z
    .string()
    .transform((text) => text.split(',').map((part) => part.trim()).filter((part) => part !== ''))
    .pipe(z.array(item));

const hostAndPort = z.string().regex(/^[^\s:,]+:\d{1,5}$/, 'host:port');
const secret = z.string().min(32, 'at least 32 characters');

/** What every service takes. */
export const serviceSettings = {
  /** Name of this copy of the service, e.g. `catalog-2`: unique, and the same again after its restart. */
  REPLICA: z.string().min(1),
  /** Address to listen on. Default `127.0.0.1`; `0.0.0.0` in a container. */
  HOST: z.string().default('127.0.0.1'),
  /** Port of health, metrics and information; never published. */
  OPERATIONS_PORT: port,
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  /** `off` counts and measures nothing, to tell what that costs. Default `on`. */
  METRICS: z.enum(['on', 'off']).default('on'),
  /** `off` admits all work at once, however much there is, to tell what the limit is for. Default `on`. */
  ADMISSION: z.enum(['on', 'off']).default('on'),
  /** Milliseconds between not ready and no new work, in which balancers notice. Default 5000. */
  DRAIN_DELAY_MS: milliseconds.default(5000),
  /** Milliseconds after a stop signal at which the process ends with 1, done or not. Default 25,000. */
  SHUTDOWN_GRACE_MS: milliseconds.default(25_000),
  /** Whoever shows it may take profiles through the operations port. Absent: nobody may. */
  PROFILE_TOKEN: secret.optional(),
  /** Where a replica writes a profile that it takes by itself, when its event loop stays busy. Absent: it takes none. */
  PROFILE_DIRECTORY: z.string().min(1).optional(),
  /** Share of the time that the event loop may be busy before that. Default 0.9. */
  PROFILE_BUSY_SHARE: z.coerce.number().gt(0).lt(1).default(0.9),
  NODE_ENV: z.enum(['development', 'test', 'production']).default('development'),
  /** Whether faults can be switched on through the operations port, for rehearsals; refused in production. Default false. */
  FAULT_SWITCH: z.stringbool().default(false),
  /** Whoever shows it may have garbage collected and see what a process holds, through the operations port. Absent: nobody may. */
  DIAGNOSTICS_TOKEN: secret.optional(),
  /** What `/info` reports. Default `development`. */
  VERSION: z.string().default('development'),
  /** Where spans go, by OTLP over HTTP, e.g. `http://127.0.0.1:4318`. Absent: no traces, and nothing of them is loaded. */
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  OTEL_EXPORTER_OTLP_PROTOCOL: z.enum(['http/protobuf', 'http/json']).default('http/protobuf'),
  /** A Zipkin that takes no OTLP, e.g. `http://127.0.0.1:9411/api/v2/spans`, instead. */
  OTEL_EXPORTER_ZIPKIN_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  /** Share of traces that are exported, 0 to 1. Default 0.05. */
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(0.05),
  /** Milliseconds from which a request is exported though it is not sampled; so is a failed one. Default 500; 0 for neither. */
  TRACE_SLOW_MS: milliseconds.default(500),
};

/** Of a service that answers HTTP. */
export const httpSettings = { HTTP_PORT: port };

/** Of a service with one database. */
export const databaseSettings = {
  DATABASE_PRIMARY_URL: postgresUrl,
  /** Empty or absent: all reads go to the primary. */
  DATABASE_REPLICA_URLS: listOf(postgresUrl).default([]),
};

/** Of a service whose database is split: `DATABASE_SHARD_<n>_PRIMARY_URL` and `…_REPLICA_URLS`, n from 0. */
export const shardSettings = {
  DATABASE_SHARDS: numbered('DATABASE_SHARD', {
    primaryUrl: { suffix: 'PRIMARY_URL', schema: postgresUrl },
    replicaUrls: { suffix: 'REPLICA_URLS', schema: listOf(postgresUrl).default([]) },
  }),
};

export const sessionRedisSettings = { SESSION_REDIS_URL: redisUrl };
export const cacheRedisSettings = {
  CACHE_REDIS_URL: redisUrl,
  /** Caches that are switched off, by name; `*` for all. Default none. */
  CACHE_OFF: listOf(z.string().min(1)).default([]),
};

/** `KAFKA_BROKERS` as a list of `host:port`. */
export const kafkaSettings = { KAFKA_BROKERS: listOf(hostAndPort).pipe(z.array(z.string()).min(1, 'at least one host:port')) };

const callSecurity = {
  CALLS_SECRET: secret,
  /**
   * Directory of `tls.crt`, `tls.key` and `ca.crt`, as cert-manager writes them: calls are encrypted, and both sides show
   * a certificate of that authority; a service's own names it. All services have it, or none. Absent: no TLS.
   */
  CALLS_TLS_DIRECTORY: z.string().min(1).optional(),
};

/** Of a service that answers calls. */
export const callServerSettings = { CALLS_PORT: port, ...callSecurity };

const addresses = z
  .string()
  .regex(
    /^(file:.+|dns:[^\s:,]+:\d{1,5}|[^\s:,]+:\d{1,5}(,[^\s:,]+:\d{1,5})*)$/,
    'host:port,host:port or dns:host:port or file:/path',
  );

type VariableName<Service extends string> = Service extends `${infer Head}-${infer Tail}`
  ? `${Uppercase<Head>}_${VariableName<Tail>}`
  : Uppercase<Service>;

/**
 * Of a service that calls others: `CALLS_SECRET`, `CALLS_TLS_DIRECTORY`, and `CALL_ADDRESSES_<SERVICE>` for each one named.
 *
 * @example callAddresses('catalog', 'inventory')
 */
export function callAddresses<const Service extends string>(
  ...services: Service[]
): { [S in Service as `CALL_ADDRESSES_${VariableName<S>}`]: z.ZodType<string, string> } & typeof callSecurity {
  const fields = services.map((service) => [`CALL_ADDRESSES_${service.replaceAll('-', '_').toUpperCase()}`, addresses]);
  return { ...callSecurity, ...Object.fromEntries(fields) };
}

export const mailSettings = { SMTP_URL: urlOf(/^smtps?$/, 'smtp://host:25') };
export const objectStoreSettings = { OBJECT_STORE_DIR: z.string().min(1) };

/** Keys that sign cookies, newest first: the first one signs, all of them verify. */
export const cookieSettings = {
  COOKIE_KEYS: listOf(secret).pipe(z.array(z.string()).min(1, 'at least one key')),
};

/** Requests per minute and account, else per address. */
export const rateLimitSettings = {
  RATE_LIMIT_PER_MINUTE: z.coerce.number().int().min(1).default(600),
  LOGIN_LIMIT_PER_MINUTE: z.coerce.number().int().min(1).default(10),
};
