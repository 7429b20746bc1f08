import { counter, gauge, histogram } from '@tenfold/telemetry';

export const outboxRows = gauge({
  name: 'outbox_rows',
  help: 'Messages that wait for Kafka, looked at every 5 s.',
  labelNames: ['database'],
});

export const outboxOldest = gauge({
  name: 'outbox_oldest_seconds',
  help: 'Age of the message that has waited longest, looked at every 5 s.',
  labelNames: ['database'],
});

export const relayed = counter({
  name: 'outbox_relayed_total',
  help: 'Messages that Kafka has acknowledged.',
  labelNames: ['topic'],
});

export const handled = counter({
  name: 'jobs_handled_total',
  help: 'Messages by what became of them: done, duplicate, retried, dead, cancelled.',
  labelNames: ['topic', 'outcome'],
});

/** Makes the outcomes of a topic known at 0: a series that begins with 1 shows no increase, and no alert sees the first one. */
export function countFromZero(topic: string): void {
  for (const outcome of ['done', 'duplicate', 'retried', 'dead']) handled.inc({ topic, outcome }, 0);
}

export const handleDuration = histogram({
  name: 'jobs_handle_duration_seconds',
  help: 'Time of one attempt, its transaction included; of a batch, all of it.',
  labelNames: ['topic'],
});

export const consumerLag = gauge({
  name: 'kafka_consumer_lag',
  help: 'Messages that a group has not handled, in all partitions; asked of the broker every 10 s, by each member.',
  labelNames: ['group', 'topic'],
});

export const produceDuration = histogram({
  name: 'kafka_produce_duration_seconds',
  help: 'Time until Kafka acknowledged a batch, or it was given up: ok, failed.',
  labelNames: ['outcome'],
});

export const produced = counter({
  name: 'kafka_produced_total',
  help: 'Messages that Kafka acknowledged, those of retries and dead letters included.',
  labelNames: ['topic'],
});
