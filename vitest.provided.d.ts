import 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** Addresses of the real servers that tests run against. */
    servers: {
      postgresPrimary: string;
      postgresReplicas: string[];
      postgresShard1: string;
      /** Admin URL of PgBouncer, without a database. */
      pgbouncer: string;
      sessionRedis: string;
      cacheRedis: string;
      kafka: string;
      smtp: string;
      mail: string;
      /** The shop through HAProxy; empty where no service runs. */
      gateway: string;
      /** The receiver of their spans; empty where no service runs. */
      spans: string;
      /** Whether the services run without their caches. */
      cachesOff: boolean;
    };
    /** How thorough the fault suite is: `short` within `npm test`, `full` by `npm run faults`. */
    faults: 'short' | 'full';
  }
}
