import type { ClusterContext } from '../cluster.context.ts';
import { migrate } from '../services/migrations.ts';
import { makeTopics } from '../services/topics.ts';
import type { ComponentName } from './component-names.ts';
import { startHaproxy } from './haproxy.component.ts';
import { startKafka } from './kafka.component.ts';
import { startMail } from './mail.component.ts';
import { startPgbouncer } from './pgbouncer.component.ts';
import { startPostgresql } from './postgresql.component.ts';
import { startRedis } from './redis.component.ts';

/**
 * Starts components side by side, each with what must follow it: migrations behind PostgreSQL, topics behind Kafka.
 *
 * @param built resolves when the bundles are there that migrate; undefined when no service is wanted
 */
export function startComponents(context: ClusterContext, components: readonly ComponentName[], built: Promise<void> | undefined): Promise<void>[] {
  const starts: Record<ComponentName, () => Promise<void>> = {
    async postgresql() {
      await startPostgresql(context);
      if (!built) return;
      await built;
      await migrate(context);
    },
    pgbouncer: () => startPgbouncer(context),
    'session-redis': () => startRedis(context, 'session-redis'),
    'cache-redis': () => startRedis(context, 'cache-redis'),
    async kafka() {
      await startKafka(context);
      await makeTopics(context);
    },
    mail: () => startMail(context),
    haproxy: () => startHaproxy(context),
  };
  return components.map((name) => starts[name]());
}
