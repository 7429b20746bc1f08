import type { Dashboard } from './dashboard.ts';
import { perSecond, quantile } from './promql.ts';

const http = 'http_server_duration_seconds';
const noStreams = '{route!~".*/(events|file)"}';

export const loadTest: Dashboard = {
  name: 'load-test',
  title: 'Load test',
  description: 'Which resource is full first, while load is raised: the knee is where latency rises and one of these reaches its limit.',
  rows: {
    'What is reached': [
      {
        title: 'Throughput',
        description: 'Answers a second, against the target of 1,000.',
        unit: 'reqps',
        limit: 1000,
        queries: { answered: `sum(rate(${http}_count[$rate]))`, 'without error': `sum(rate(${http}_count{status=~"2xx|3xx|4xx"}[$rate]))` },
      },
      {
        title: 'p95, target 200 ms',
        description: 'Within the gateway: the generator also counts the time until the gateway begins.',
        unit: 's',
        limit: 0.2,
        queries: { p50: quantile(0.5, http, '', noStreams), p95: quantile(0.95, http, '', noStreams) },
      },
      {
        title: 'p99, target 500 ms',
        description: 'The tail shows a queue first.',
        unit: 's',
        limit: 0.5,
        queries: { p99: quantile(0.99, http, '', noStreams) },
      },
    ],
    'What is full': [
      {
        title: 'CPU by service',
        description: 'Cores, of all replicas of a service together.',
        unit: 'short',
        queries: { '{{service}}': perSecond('process_cpu_seconds_total', 'service', '{job="services"}') },
      },
      {
        title: 'Busiest event loop by service',
        description: 'One that is full bounds its service, whatever the others have left.',
        unit: 'percentunit',
        limit: 0.9,
        queries: { '{{service}}': 'max by (service) (rate(nodejs_eventloop_active_seconds_total[$rate]))' },
      },
      {
        title: 'Fullest pool',
        description: 'Connections in use of those that there may be.',
        unit: 'percentunit',
        limit: 0.9,
        queries: { '{{database}} {{node}}': 'topk(5, sum by (database, node) (database_pool_used) / sum by (database, node) (database_pool_size))' },
      },
      {
        title: 'CPU a request',
        description: 'Of all services, in seconds of a core: what an optimisation lowers.',
        unit: 's',
        queries: { 'a request': `sum(rate(process_cpu_seconds_total{job="services"}[$rate])) / (sum(rate(${http}_count[$rate])) > 0)` },
      },
      {
        title: 'Statements a request',
        description: 'Round trips to PostgreSQL.',
        unit: 'short',
        queries: { 'a request': `sum(rate(database_statement_duration_seconds_count[$rate])) / (sum(rate(${http}_count[$rate])) > 0)` },
      },
      {
        title: 'Redis round trips a request',
        description: 'Sessions, limits and caches together.',
        unit: 'short',
        queries: { 'a request': `sum(rate(redis_round_trips_total[$rate])) / (sum(rate(${http}_count[$rate])) > 0)` },
      },
    ],
    'What piles up': [
      {
        title: 'In flight by service',
        description: 'By Little’s law: throughput times latency.',
        unit: 'short',
        queries: { '{{service}}': 'sum by (service) (http_server_in_flight) or sum by (service) (call_server_in_flight)' },
      },
      {
        title: 'Behind: Kafka',
        description: 'Messages not handled yet; it may grow in the test, and must go afterwards.',
        unit: 'short',
        queries: { '{{topic}}': 'sum by (topic) (group_topic:kafka_consumer_lag:max)' },
      },
      {
        title: 'Memory by service',
        description: 'Resident, of all replicas together.',
        unit: 'bytes',
        queries: { '{{service}}': 'sum by (service) (process_resident_memory_bytes{job="services"})' },
      },
    ],
  },
};
