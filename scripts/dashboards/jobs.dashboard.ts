import type { Dashboard } from './dashboard.ts';
import { orZero, perSecond, quantile } from './promql.ts';

export const jobs: Dashboard = {
  name: 'jobs',
  title: 'Jobs',
  description: 'From the outbox through Kafka to the effect.',
  rows: {
    Outbox: [
      {
        title: 'Outbox rows',
        description: 'Committed messages that wait for Kafka.',
        unit: 'short',
        queries: { '{{database}}': 'max by (database) (outbox_rows)' },
      },
      {
        title: 'Outbox: oldest message',
        description: 'The alert comes at 30 s.',
        unit: 's',
        limit: 30,
        queries: { '{{database}}': 'max by (database) (outbox_oldest_seconds)' },
      },
      {
        title: 'Relayed',
        description: 'Messages that Kafka has acknowledged, by topic.',
        unit: 'ops',
        queries: { '{{topic}}': perSecond('outbox_relayed_total', 'topic') },
      },
    ],
    'Producing': [
      {
        title: 'Produced',
        description: 'Retries and dead letters included.',
        unit: 'ops',
        queries: { '{{topic}}': perSecond('kafka_produced_total', 'topic') },
      },
      {
        title: 'Produce p95',
        description: 'Until all replicas of the broker that are in sync have a batch.',
        unit: 's',
        queries: { '{{service}}': quantile(0.95, 'kafka_produce_duration_seconds', 'service') },
      },
      {
        title: 'Failed sends',
        description: 'Batches that were given up; the relay tries again with a new producer.',
        unit: 'ops',
        queries: { '{{service}}': orZero(perSecond('kafka_produce_duration_seconds_count', 'service', '{outcome="failed"}')) },
      },
    ],
    'Handling': [
      {
        title: 'Handled by outcome',
        description: 'Duplicate: its effect was there already.',
        unit: 'ops',
        queries: { '{{topic}} {{outcome}}': perSecond('jobs_handled_total', 'topic, outcome') },
      },
      {
        title: 'Handling p95',
        description: 'One attempt, its transaction included.',
        unit: 's',
        queries: { '{{topic}}': quantile(0.95, 'jobs_handle_duration_seconds', 'topic') },
      },
      {
        title: 'Lag by group',
        description: 'Messages that a group has not handled; those in retry topics wait on purpose.',
        unit: 'short',
        queries: { '{{group}} {{topic}}': 'group_topic:kafka_consumer_lag:max' },
      },
      {
        title: 'Retries and dead letters',
        description: 'Of the last quarter of an hour.',
        unit: 'short',
        queries: { '{{topic}} {{outcome}}': 'sum by (topic, outcome) (increase(jobs_handled_total{outcome=~"retried|dead"}[15m]))' },
      },
    ],
    'The broker': [
      {
        title: 'Broker: messages in',
        description: 'As the broker counts them.',
        unit: 'ops',
        queries: { '{{topic}}': perSecond('kafka_topic_messages_total', 'topic') },
      },
      {
        title: 'Broker: p99 of requests',
        description: 'Time in the broker. A fetch waits for messages, so its time says little.',
        unit: 'ms',
        queries: { '{{request}}': 'max by (request) (kafka_broker_request_p99_milliseconds)' },
      },
      {
        title: 'Broker: size by topic',
        description: 'On disk, before retention takes its share.',
        unit: 'bytes',
        queries: { '{{topic}}': 'sum by (topic) (kafka_topic_size_bytes)' },
      },
      {
        title: 'Broker: partitions in trouble',
        description: 'Without a leader, or with fewer copies in sync than they should have.',
        unit: 'short',
        queries: { offline: 'sum(kafka_broker_offline_partitions)', 'under-replicated': 'sum(kafka_broker_under_replicated_partitions)' },
      },
    ],
  },
};
