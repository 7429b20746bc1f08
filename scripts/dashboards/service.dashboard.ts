import type { Dashboard } from './dashboard.ts';
import { perSecond, quantile } from './promql.ts';

const one = '{service="$service"}';
const replica = (metric: string) => `${metric}{service="$service"}`;
/** The gateway answers requests, all others calls: one diagram shows what there is. */
const either = (http: string, calls: string) => `${http} or ${calls}`;

export const service: Dashboard = {
  name: 'service',
  title: 'Service',
  description: 'One service: what it answers, and how each of its replicas is.',
  byService: true,
  rows: {
    'What it answers': [
      {
        title: 'Requests by route',
        description: 'HTTP routes of the gateway, calls of the others.',
        unit: 'reqps',
        queries: { '{{method}} {{route}}{{call}}': either(perSecond('http_server_duration_seconds_count', 'method, route', one), perSecond('call_server_duration_seconds_count', 'call', one)) },
      },
      {
        title: 'p95 by route',
        description: 'Streams last as long as what they report on.',
        unit: 's',
        queries: { '{{method}} {{route}}{{call}}': either(quantile(0.95, 'http_server_duration_seconds', 'method, route', one), quantile(0.95, 'call_server_duration_seconds', 'call', one)) },
      },
      {
        title: 'Errors by route',
        description: 'Answers with 5xx and those whose client left; calls by their code.',
        unit: 'reqps',
        queries: {
          '{{method}} {{route}}{{call}} {{status}}{{code}}': `${either(
            perSecond('http_server_duration_seconds_count', 'method, route, status', '{service="$service", status=~"5xx|aborted"}'),
            perSecond('call_server_duration_seconds_count', 'call, code', '{service="$service", code!="ok"}'),
          )} or vector(0)`,
        },
      },
      {
        title: 'Requests in flight',
        description: 'By replica: they should be alike.',
        unit: 'short',
        queries: { '{{replica}}': either(replica('http_server_in_flight'), replica('call_server_in_flight')) },
      },
    ],
    'Its processes': [
      {
        title: 'CPU',
        description: 'Cores that each replica uses, threads and garbage collection included.',
        unit: 'short',
        queries: { '{{replica}}': `rate(${replica('process_cpu_seconds_total')}[$rate])` },
      },
      {
        title: 'Event loop utilisation',
        description: 'Share of the time in which it is busy. Above 90 % there is nothing left.',
        unit: 'percentunit',
        limit: 0.9,
        queries: { '{{replica}}': `rate(${replica('nodejs_eventloop_active_seconds_total')}[$rate])` },
      },
      {
        title: 'Event loop delay',
        description: '99th percentile since the last reading of how late a timer is: whatever waits for this loop waits that long.',
        unit: 's',
        limit: 0.1,
        queries: { '{{replica}}': replica('nodejs_eventloop_lag_p99_seconds') },
      },
      {
        title: 'Heap in use',
        description: 'A saw: it grows until it is collected.',
        unit: 'bytes',
        queries: { '{{replica}}': replica('nodejs_heap_size_used_bytes') },
      },
      {
        title: 'Heap after collections',
        description: 'What full collections leave. A slope that does not level off is a leak.',
        unit: 'bytes',
        queries: { '{{replica}}': replica('nodejs_heap_used_after_gc_bytes') },
      },
      {
        title: 'Resident memory',
        description: 'What the system counts, buffers outside of the heap included.',
        unit: 'bytes',
        queries: { '{{replica}}': replica('process_resident_memory_bytes') },
      },
      {
        title: 'Time in garbage collection',
        description: 'Share of the time, by replica. Above 10 % the heap is too small, or leaks.',
        unit: 'percentunit',
        limit: 0.1,
        queries: { '{{replica}}': perSecond('nodejs_gc_duration_seconds_sum', 'replica', one) },
      },
      {
        title: 'Descriptors',
        description: 'Files and connections that are open.',
        unit: 'short',
        queries: { '{{replica}}': replica('process_open_fds') },
      },
      {
        title: 'Age of the process',
        description: 'A line that falls to 0 is a restart.',
        unit: 's',
        queries: { '{{replica}}': `time() - ${replica('process_start_time_seconds')}` },
      },
    ],
  },
};
