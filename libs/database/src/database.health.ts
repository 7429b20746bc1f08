import type { Health } from '@tenfold/service';
import type { DatabaseBehaviour } from './database.options.ts';
import type { Database } from './database.ts';

/** Healthy while some node serves reads: with the primary down a service is degraded, not dead. */
export function registerHealth(health: Health, database: Database, { requiredForReadiness = false }: DatabaseBehaviour): void {
  health.register({
    name: `database:${database.name}`,
    required: requiredForReadiness,
    check: () => database.checkReadable(),
  });
}
