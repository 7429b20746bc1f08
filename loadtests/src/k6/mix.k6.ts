import { sleep } from 'k6';
import { scenario, vu } from 'k6/execution';
import http from 'k6/http';
import { Counter, Trend } from 'k6/metrics';
import type { Options } from 'k6/options';
import { Mix } from '../mix/mix.ts';
import type { PlannedRequest } from '../mix/planned-request.ts';
import type { K6Settings } from './k6.settings.ts';
import { dueSecond, phaseAt } from './schedule.ts';

/** Entry of k6: the mix, open loop. One iteration is one request, so that k6 starts each at its time. */
const settings = JSON.parse(open(__ENV['SETTINGS'] ?? '')) as K6Settings;
const { phases, judged, endpoints } = settings;

// All that is wanted of k6's own metrics is in these, so its own go untagged and cost least.
const responseTime = new Trend('response_time', true);
const sinceDue = new Trend('since_due', true);
const wrongAnswers = new Counter('wrong_answers');
const lateness = new Trend('lateness', true);
http.setResponseCallback(null as never);

const phaseNames = [...new Set(phases.map(({ name }) => name))];
// k6 only reports a share of a metric that has a threshold; these ones can never fail.
const shares = [...phaseNames.map((phase) => `phase:${phase}`), ...endpoints.map((name) => `phase:${judged},name:${name}`)];

export const options: Options = {
  scenarios: {
    mix: {
      executor: 'ramping-arrival-rate',
      startRate: Math.round(phases[0]?.from ?? 0),
      timeUnit: '1s',
      preAllocatedVUs: settings.users,
      maxVUs: settings.users,
      gracefulStop: `${settings.timeoutMs}ms`,
      stages: phases.flatMap(({ from, to, seconds }) => [
        { target: Math.round(from), duration: '0s' },
        { target: Math.round(to), duration: `${seconds}s` },
      ]),
    },
  },
  discardResponseBodies: true,
  systemTags: [],
  summaryTrendStats: ['count', 'med', 'p(95)', 'p(99)', 'max'],
  thresholds: Object.fromEntries([
    ...shares.map((share) => [`response_time{${share}}`, ['max>=0']]),
    ...shares.map((share) => [`since_due{${share}}`, ['max>=0']]),
    ...shares.map((share) => [`wrong_answers{${share}}`, ['count>=0']]),
    [`lateness{phase:${judged}}`, ['max>=0']],
  ]) as Record<string, string[]>,
};

let mix: Mix | undefined;

/** The mix of this user of k6: a share of the guests, and one customer, or a few. */
function openMix(): Mix {
  const { cookies, users, found, scale, guests, run, seed } = settings;
  const user = vu.idInTest - 1;
  const own = cookies.map((_, index) => index).filter((index) => index % users === user % Math.min(users, cookies.length));
  return new Mix({
    scale,
    cookies: own.map((index) => cookies[index] ?? ''),
    found: found.filter(({ customer }) => own.includes(customer)).map(({ id, customer }) => ({ id, customer: own.indexOf(customer) })),
    guests: Math.ceil(guests / users),
    sharing: Math.max(1, Math.ceil(users / cookies.length)),
    run: `${run}-${user}`,
    seed: seed + user,
  });
}

export default function next(): void {
  const now = Date.now();
  const { iterationInTest, startTime } = scenario;
  if (iterationInTest === 0) tell({ startedAt: startTime });
  const phase = phaseAt(phases, (now - startTime) / 1000);
  if (settings.wasteMs > 0) waste(settings.wasteMs);
  mix ??= openMix();
  const request = mix.next(now);
  const { timings, status, headers, body, error } = send(request);

  const tags = { phase, name: request.endpoint };
  const took = timings.blocked + timings.duration;
  responseTime.add(took, tags);
  if (settings.countsLateness) {
    const late = Math.max(0, now - startTime - dueSecond(phases, iterationInTest + 1) * 1000);
    lateness.add(late, tags);
    sinceDue.add(late + took, tags);
  }
  if (request.expected.includes(status)) {
    request.learn?.({ status, etag: headers['Etag'], body: request.readsBody ? String(body) : '' });
  } else {
    wrongAnswers.add(1, tags);
    complain(request.endpoint, status, `${phase} ${error}`.trim());
  }
}

function send({ method, path, headers, body, readsBody }: PlannedRequest) {
  return http.request(method, settings.origin + path, body ?? null, {
    headers,
    redirects: 0,
    timeout: settings.timeoutMs,
    responseType: readsBody ? 'text' : 'none',
  });
}

/** Whoever measures k6's CPU reads it at the end of the last phase, when k6 would be gone at once. */
export function teardown(): void {
  sleep(1);
}

const complaints = new Set<string>();

/** Once for each kind and user of k6, so that a system that is down does not make k6 busy with words. */
function complain(endpoint: string, status: number, error: string): void {
  const kind = `${endpoint} ${status}`;
  if (complaints.has(kind)) return;
  complaints.add(kind);
  tell({ endpoint, status, error });
}

function tell(what: object): void {
  // oxlint-disable-next-line no-console -- how a script speaks to whoever runs k6
  console.log(JSON.stringify(what));
}

function waste(milliseconds: number): void {
  const until = Date.now() + milliseconds;
  while (Date.now() < until);
}

export function handleSummary({ metrics }: { metrics: unknown }): Record<string, string> {
  return { [settings.summaryFile]: JSON.stringify(metrics) };
}
