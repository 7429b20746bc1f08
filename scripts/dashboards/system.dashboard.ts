import type { Dashboard } from './dashboard.ts';
import { orZero, perSecond, quantile } from './promql.ts';

const http = 'http_server_duration_seconds';
const noStreams = '{route!~".*/(events|file)"}';

export const system: Dashboard = {
  name: 'system',
  title: 'System',
  description: 'All of it at a glance: what users notice, where in the chain of calls it comes from, and which server is near a limit.',
  rows: {
    'What users notice': [
      {
        title: 'Requests by status',
        description: 'Of all gateways. Aborted: the client left before it had its answer.',
        unit: 'reqps',
        queries: { '{{status}}': perSecond(`${http}_count`, 'status') },
      },
      {
        title: 'Latency',
        description: 'Streams left out. The target is a p95 below 200 ms; the alert comes at 500 ms.',
        unit: 's',
        limit: 0.2,
        queries: { p50: quantile(0.5, http, '', noStreams), p95: quantile(0.95, http, '', noStreams), p99: quantile(0.99, http, '', noStreams) },
      },
      {
        title: 'Error ratio',
        description: 'Share of answers with a 5xx; the objective allows 0.1 % over 30 days.',
        unit: 'percentunit',
        limit: 0.001,
        queries: { '{{service}} 5 min': 'service:http_errors:ratio_rate5m', '{{service}} 1 h': 'service:http_errors:ratio_rate1h' },
      },
      {
        title: 'Refused',
        description: 'Turned away to protect the system: over a limit, unavailable, overloaded, circuit open.',
        unit: 'reqps',
        queries: {
          '{{service}} http {{reason}}': perSecond('http_server_refused_total', 'service, reason'),
          '{{service}} call {{code}}': perSecond('call_server_refused_total', 'service, code'),
          '{{service}} not sent {{reason}}': perSecond('call_client_refused_total', 'service, reason'),
        },
      },
      {
        title: 'In flight',
        description: 'Requests and calls in work. A step up at the same throughput means that something below became slow.',
        unit: 'short',
        queries: { '{{service}} http': 'sum by (service) (http_server_in_flight)', '{{service}} calls': 'sum by (service) (call_server_in_flight)' },
      },
      {
        title: 'Targets that are down',
        description: 'Processes that did not answer Prometheus.',
        unit: 'short',
        queries: { '{{job}} {{instance}}': orZero('count by (job, instance) (up == 0)') },
      },
    ],
    Admission: [
      {
        title: 'Admission: limit',
        description: 'Work that a replica admits at once; it follows latency, so one that falls says that something below became slow.',
        unit: 'short',
        queries: { '{{replica}} {{kind}}': 'min by (replica, kind) (admission_limit)' },
      },
      {
        title: 'Admission: in work and waiting',
        description: 'Of all replicas, as of a reading. What waits starts within 200 ms or is refused.',
        unit: 'short',
        queries: { '{{service}} {{kind}} in work': 'sum by (service, kind) (admission_in_flight)', '{{service}} {{kind}} waiting': 'sum by (service, kind) (admission_waiting)' },
      },
      {
        title: 'Admission: share of the limit in use',
        description: 'Of the fullest replica. At 70 % low priorities wait, at 90 % normal ones.',
        unit: 'percentunit',
        limit: 0.9,
        queries: { '{{service}} {{kind}}': 'max by (service, kind) (admission_in_flight / admission_limit)' },
      },
      {
        title: 'Admission: refused by priority',
        description: 'Too much work at once. Low priorities go first; high ones only when nothing else is left to refuse.',
        unit: 'reqps',
        queries: { '{{service}} {{kind}} {{priority}}': perSecond('admission_refused_total', 'service, kind, priority') },
      },
    ],
    'The balancer': [
      {
        title: 'Balancer: answers by status',
        description: 'What clients really got, the balancer’s own 502, 503 and 504 included.',
        unit: 'reqps',
        queries: { '{{code}}': perSecond('haproxy_frontend_http_responses_total', 'code', '{proxy="public"}') },
      },
      {
        title: 'Balancer: waiting for a replica',
        description: 'Requests that wait since all replicas are at their limit of connections.',
        unit: 'short',
        queries: { queue: 'sum(haproxy_backend_current_queue{proxy="gateway"})' },
      },
      {
        title: 'Balancer: replicas in use',
        description: 'Gateways that pass the health check.',
        unit: 'short',
        queries: { gateways: 'sum(haproxy_backend_active_servers{proxy="gateway"})' },
      },
    ],
    Calls: [
      {
        title: 'p95 by call',
        description: 'As the caller sees it: queues, the network and retries included.',
        unit: 's',
        queries: { '{{callee}}.{{call}}': quantile(0.95, 'call_client_duration_seconds', 'callee, call') },
      },
      {
        title: 'p95 by call, as the service sees it',
        description: 'From the request to the answer within the service. The difference to the caller’s view is waiting.',
        unit: 's',
        queries: { '{{service}}.{{call}}': quantile(0.95, 'call_server_duration_seconds', 'service, call') },
      },
      {
        title: 'Failed calls by code',
        description: 'Refusals that belong to the business, such as no stock, are among them.',
        unit: 'ops',
        queries: { '{{callee}}.{{call}} {{code}}': orZero(perSecond('call_client_duration_seconds_count', 'callee, call, code', '{code!="ok"}')) },
      },
      {
        title: 'Retries',
        description: 'Calls sent again, since a replica was lost or refused. A retry budget bounds them.',
        unit: 'ops',
        queries: { '{{callee}}.{{call}}': perSecond('call_client_retries_total', 'callee, call') },
      },
    ],
    'Caches and sessions': [
      {
        title: 'Cache hit rate',
        description: 'Share of keys that need no load. Memory and Redis together; the alert comes below 80 %.',
        unit: 'percentunit',
        limit: 0.8,
        queries: { '{{service}} {{cache}}': `1 - ${perSecond('cache_requests_total', 'service, cache', '{outcome="load"}')} / ${perSecond('cache_requests_total', 'service, cache')}` },
      },
      {
        title: 'Session store: p95 by operation',
        description: 'Every request loads its session, in one round trip.',
        unit: 's',
        queries: { '{{operation}}': quantile(0.95, 'session_operation_duration_seconds', 'operation') },
      },
      {
        title: 'Redis: round trips',
        description: 'By purpose. Divided by the requests: how often one waits for Redis.',
        unit: 'ops',
        queries: { '{{client}}': perSecond('redis_round_trips_total', 'client') },
      },
      {
        title: 'Redis: p95 by command',
        description: 'As the services see it; a busy event loop of theirs counts, too.',
        unit: 's',
        queries: { '{{client}} {{command}}': quantile(0.95, 'redis_command_duration_seconds', 'client, command') },
      },
      {
        title: 'Redis errors',
        description: 'Operations of the caches that Redis refused or did not answer in time. They are misses.',
        unit: 'ops',
        queries: { '{{service}} {{operation}}': perSecond('cache_redis_errors_total', 'service, operation') },
      },
      {
        title: 'Redis memory',
        description: 'Of what each may have. The cache is full and evicts; the session store must not get full.',
        unit: 'percentunit',
        limit: 0.85,
        queries: { '{{instance}}': 'redis_memory_used_bytes / (redis_memory_max_bytes > 0)' },
      },
      {
        title: 'Redis keys',
        description: 'Sessions of the one, entries of the other.',
        unit: 'short',
        queries: { '{{instance}}': 'sum by (instance) (redis_db_keys)', '{{instance}} evicted a second': 'rate(redis_evicted_keys_total[$rate])' },
      },
    ],
  },
};
