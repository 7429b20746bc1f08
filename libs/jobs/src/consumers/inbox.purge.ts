import { Logger } from '@nestjs/common';
import type { Database } from '@tenfold/database';

const intervalMs = 600_000;
const chunk = 5000;

/**
 * Forgets marks older than Kafka keeps messages, 5000 every ten minutes, so that no transaction is long.
 *
 * @param retentionDays more than the `retention.ms` of the topics, else a message could be handled twice
 * @returns what stops it
 */
export function startInboxPurge(database: Database, retentionDays: number): () => void {
  const logger = new Logger('Inbox');
  const purge = async () => {
    try {
      await database.write((tx) =>
        tx.query(
          `DELETE FROM inbox WHERE message_id IN (
             SELECT message_id FROM inbox WHERE handled_at < now() - make_interval(days => $1) LIMIT $2)`,
          [retentionDays, chunk],
        ),
      );
    } catch (error) {
      logger.warn({ msg: 'old marks stay in the inbox', err: error });
    }
  };
  const timer = setInterval(() => void purge(), intervalMs).unref();
  return () => clearInterval(timer);
}
