import { readFileSync } from 'node:fs';
import { createServer as createHealthServer } from 'node:http';
import { createServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubernetesApi } from './kubernetes.api.ts';
import { MetricWindow, readSamples } from './metric.window.ts';
import { answer } from './metrics.answer.ts';

const account = '/var/run/secrets/kubernetes.io/serviceaccount';
const services = 'app.kubernetes.io/component=service';
const pauseMs = 5_000;
const log = (message: string, error?: unknown) => process.stdout.write(`${JSON.stringify({ time: Date.now(), message, ...(error instanceof Error && { error: error.message }) })}\n`);

const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '443' } = process.env;
const api = new KubernetesApi(`https://${host.includes(':') ? `[${host}]` : host}:${port}`, () => readFileSync(`${account}/token`, 'utf8'));
const namespace = readFileSync(`${account}/namespace`, 'utf8').trim();
const window = new MetricWindow();
let hasRead = false;

/** One look at every pod; one that does not answer is left out. */
async function readAll(): Promise<void> {
  const pods = await api.pods(namespace, services);
  const pages = await Promise.all(
    pods.map(async ({ name, operations }) => {
      if (operations === undefined) return undefined;
      const page = await fetch(`${operations}/metrics`, { signal: AbortSignal.timeout(3_000) }).then((answer) => answer.text(), () => undefined);
      return page === undefined ? undefined : ([name, readSamples(page)] as const);
    }),
  );
  window.add(pods.map(({ name }) => name), new Map(pages.filter((page) => page !== undefined)), Date.now());
  hasRead = true;
}

const { authority, names } = await api.frontProxy();
const certificate = { cert: readFileSync('/certificate/tls.crt'), key: readFileSync('/certificate/tls.key') };
const server = createServer({ ...certificate, ca: authority, requestCert: true, rejectUnauthorized: false }, (request, response) => {
  const socket = request.socket as TLSSocket;
  const reply = (status: number, body: object) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  // Who may ask what, the API server has decided: only it can be who asks here.
  const name = String(socket.getPeerCertificate().subject?.CN ?? '');
  if (!socket.authorized || (names.length > 0 && !names.includes(name))) return void reply(401, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 401, message: 'only the API server is answered' });
  answer(new URL(request.url ?? '/', 'https://metrics-api'), { window, namespace, podsOf: (selector) => api.pods(namespace, selector), now: Date.now }).then(
    ({ status, body }) => reply(status, body),
    (error: unknown) => {
      log(`${request.url} failed`, error);
      reply(500, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 500, message: 'pods cannot be listed' });
    },
  );
});
const health = createHealthServer((request, response) => response.writeHead(request.url === '/health/live' || hasRead ? 200 : 503).end());
server.listen(8443);
health.listen(8081);
process.once('SIGTERM', () => process.exit(0));
log(`answers for ${namespace}`);
for (;;) {
  await readAll().catch((error: unknown) => log('pods cannot be listed', error));
  await sleep(pauseMs);
}
