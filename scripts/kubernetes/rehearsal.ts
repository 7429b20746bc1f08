import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { clusterDirectory, readDeclarations, readStatus } from '@tenfold/local-cluster';
import { kubectl } from './kubectl.ts';
import { root } from './manifests.ts';
import { SteadyShopper } from './steady-shopper.ts';

const usage = `Usage: npm run rehearsal [-- --url http://127.0.0.1:30080] [--mail http://…] [--only purchase|delete|rollout]

Of a shop that npm run deploy has brought into Kubernetes: buys something and waits for the receipt; then, under steady
load, deletes a pod of each service and rolls each service out, and counts requests that failed. Ends with 1 if any did.
The load is 10 requests a second, of which each tenth is an order. With --only purchase it buys and does nothing else,
wherever the shop runs.
`;

const namespace = 'tenfold';
const disturbing = ['delete', 'rollout'] as const;
const kinds = ['purchase', ...disturbing] as const;
const say = (line: string) => process.stdout.write(`${line}\n`);
const services = readDeclarations(`${root}/apps`).map(({ name }) => name);

/** Two replicas of each, so that one can go; the autoscalers' own minimum comes back with the next deployment. */
async function twoOfEach(): Promise<void> {
  for (const name of services) {
    await kubectl(['patch', 'hpa', name, '-n', namespace, '--type=merge', '--patch', '{"spec":{"minReplicas":2}}']);
    await kubectl(['scale', `deployment/${name}`, '-n', namespace, '--replicas=2']);
  }
  for (const name of services) await rolledOut(name);
}

const rolledOut = (name: string) => kubectl(['rollout', 'status', `deployment/${name}`, '-n', namespace, '--timeout=120s']);

async function deletePod(name: string): Promise<void> {
  const [pod = ''] = (await kubectl(['get', 'pods', '-n', namespace, '-l', `app.kubernetes.io/name=${name},app.kubernetes.io/component=service`, '-o', 'name'])).split('\n');
  // Gone for good, not merely told to go.
  await kubectl(['delete', pod, '-n', namespace, '--wait']);
  await rolledOut(name);
}

async function rollOut(name: string): Promise<void> {
  await kubectl(['rollout', 'restart', `deployment/${name}`, '-n', namespace]);
  await rolledOut(name);
}

/** @throws Error when no receipt comes within half a minute */
async function receiptOf(mail: string, email: string): Promise<void> {
  for (let tries = 0; tries < 60; tries += 1) {
    const answer = await fetch(`${mail}/api/email`);
    if ((await answer.text()).includes(email)) return;
    await sleep(500);
  }
  throw new Error(`no receipt for ${email} within 30 s`);
}

const allDisturbances = { delete: ['pod deleted', deletePod], rollout: ['rolled out', rollOut] } as const;

async function rehearse(url: string, mail: string | undefined, disturbances: readonly (readonly [string, (name: string) => Promise<unknown>])[]): Promise<boolean> {
  const shopper = await SteadyShopper.signUp(url, `${randomUUID()}@example.org`);
  await shopper.buy();
  say('signed up and bought');
  if (mail !== undefined) {
    await receiptOf(mail, shopper.email);
    say('the receipt is in the mail sink');
  }
  if (disturbances.length === 0) return true;
  await twoOfEach();
  let failed = 0;
  for (const [what, disturb] of disturbances) {
    for (const name of services) {
      const load = shopper.start();
      await disturb(name);
      const { requests, failures } = await load.stop();
      failed += failures.length;
      say(`${name.padEnd(10)} ${what.padEnd(12)} ${String(requests).padStart(5)} requests, ${failures.length} failed ${[...new Set(failures)].join('; ')}`);
    }
  }
  return failed === 0;
}

const { values } = parseArgs({ options: { url: { type: 'string', default: 'http://127.0.0.1:30080' }, mail: { type: 'string' }, only: { type: 'string' }, help: { type: 'boolean' } } });
const chosen = kinds.filter((kind) => values.only === undefined || values.only === kind);
if (values.help || chosen.length === 0) {
  process.stderr.write(usage);
  process.exitCode = values.help ? 0 : 2;
} else {
  const mail = values.mail ?? (await readStatus(clusterDirectory()))?.urls?.mail;
  process.exitCode = (await rehearse(values.url, mail, disturbing.filter((kind) => chosen.includes(kind)).map((kind) => allDisturbances[kind]))) ? 0 : 1;
}
