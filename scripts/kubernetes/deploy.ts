import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { clusterDirectory, readDeclarations, readSecrets, readStatus } from '@tenfold/local-cluster';
import type { ClusterUrls, Secrets } from '@tenfold/local-cluster';
import { metricsApiSecret, newSecrets, secretsOfCluster } from './deploy-secrets.ts';
import type { SecretValues } from './deploy-secrets.ts';
import { apply, kubectl, KubectlError } from './kubectl.ts';
import { findKustomize, ofKind, overlays, readManifests, renderText, root, smallOverlays, writeKustomization } from './manifests.ts';
import type { Job, Manifest } from './manifests.ts';

const usage = `Usage: npm run deploy -- OVERLAY [--data cluster]

Brings an overlay of k8s/ (${overlays.join(', ')}) into the Kubernetes of KUBECONFIG: Secrets, with local
and elasticity, then migrations and topics, then the rest, until every replica is ready. Doing it again changes nothing.

  --data cluster    with local and elasticity: pods use the servers of the local cluster that runs on this machine. They must listen
                    where pods reach them: TENFOLD_ADDRESS=<address> npm run cluster -- up --services none
`;

const namespace = 'tenfold';
const say = (line: string) => process.stdout.write(`${line}\n`);
const declarations = readDeclarations(join(root, 'apps'));

/** The running local cluster, where pods can reach it. */
async function localServers(): Promise<{ urls: ClusterUrls; secrets: Secrets }> {
  const directory = clusterDirectory();
  const status = await readStatus(directory);
  const secrets = readSecrets(directory);
  if (!status?.urls || !secrets) throw new KubectlError(`No local cluster runs in ${directory}. Start one: TENFOLD_ADDRESS=<address> npm run cluster -- up --services none`);
  const { hostname } = new URL(status.urls.gateway);
  if (hostname === '127.0.0.1') throw new KubectlError('The local cluster listens at loopback, which no pod reaches: start it with TENFOLD_ADDRESS.');
  return { urls: status.urls, secrets };
}

/** An overlay that has its data services at the addresses of a local cluster, in a folder of its own. */
function overlayOutside(overlay: string, { kafka }: ClusterUrls): string {
  return writeKustomization('kubernetes', {
    namespace,
    resources: [`../../k8s/overlays/${overlay}/services`],
    components: ['../../k8s/components/data-outside'],
    configMapGenerator: [{ name: 'data-services', behavior: 'merge', literals: [`kafka-brokers=${kafka}`] }],
    // The local cluster picks its ports.
    patches: [{ target: { kind: 'NetworkPolicy', name: '.+-(database|migration|session-redis|cache-redis|kafka|mail)' }, patch: '- { op: remove, path: /spec/egress/0/ports }' }],
  });
}

async function applySecrets(values: SecretValues, { replace }: { replace: boolean }): Promise<void> {
  const existing = new Set((await kubectl(['get', 'secrets', '-n', namespace, '-o', 'jsonpath={.items[*].metadata.name}'])).split(' '));
  // New passwords would no longer open what was made with the old ones.
  const wanted = Object.entries(values).filter(([name]) => replace || !existing.has(name));
  await apply(wanted.map(([name, stringData]) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, stringData })));
}

/** Of kinds that the API server does not know, nothing can be applied: monitoring without its operator, for instance. */
async function withoutUnknownKinds(manifests: readonly Manifest[]): Promise<Manifest[]> {
  const known = new Set((await kubectl(['api-resources', '--no-headers'])).split('\n').map((line) => line.trim().split(/\s+/).at(-1)));
  const unknown = new Set(manifests.map(({ kind }) => kind).filter((kind) => !known.has(kind)));
  if (unknown.size > 0) say(`left out, since the cluster does not know them: ${[...unknown].join(', ')}`);
  return manifests.filter(({ kind }) => known.has(kind));
}

/** What ran with another image, or failed, has to go: the template of a Job cannot be changed. */
async function runJobs(jobs: readonly Job[]): Promise<void> {
  const existing = JSON.parse(await kubectl(['get', 'jobs', '-n', namespace, '-o', 'json'])) as { items: (Job & { status?: { failed?: number; succeeded?: number } })[] };
  const imageOf = ({ spec }: Job) => spec.template.spec.containers[0]?.image;
  for (const job of jobs) {
    const last = existing.items.find(({ metadata }) => metadata.name === job.metadata.name);
    if (last && (imageOf(last) !== imageOf(job) || last.status?.succeeded !== 1)) await kubectl(['delete', 'job', job.metadata.name, '-n', namespace, '--wait']);
  }
  await report(apply(jobs));
  for (const { metadata } of jobs) await finished(metadata.name);
}

/** @throws KubectlError with the end of its log when it fails */
async function finished(job: string): Promise<void> {
  for (;;) {
    const conditions = await kubectl(['get', 'job', job, '-n', namespace, '-o', 'jsonpath={.status.conditions[?(@.status=="True")].type}']);
    if (conditions.includes('Complete')) return;
    if (conditions.includes('Failed')) throw new KubectlError(`${job} failed:\n${await kubectl(['logs', `job/${job}`, '-n', namespace, '--tail=20'])}`);
    await sleep(500);
  }
}

/** Says what changed, and nothing of what did not. */
async function report(changed: Promise<readonly string[]>): Promise<void> {
  for (const line of await changed) say(`  ${line}`);
}

async function deploy(overlay: string, data: string | undefined): Promise<void> {
  const kustomize = findKustomize();
  if (!kustomize) throw new KubectlError('kubectl is not installed: https://kubernetes.io/docs/tasks/tools');
  const servers = data === 'cluster' ? await localServers() : undefined;
  const folder = servers ? overlayOutside(overlay, servers.urls) : join(root, 'k8s/overlays', overlay);
  const rendered = readManifests(renderText(kustomize, folder));
  say(`deploying ${overlay} to ${(await kubectl(['config', 'current-context'])).trim()}`);
  const manifests = await withoutUnknownKinds(rendered);

  await report(apply(manifests.filter(({ kind }) => kind === 'Namespace')));
  if (servers) await applySecrets(secretsOfCluster(declarations, servers.urls, servers.secrets), { replace: true });
  else if (smallOverlays.includes(overlay)) await applySecrets(newSecrets(declarations), { replace: false });
  if (manifests.some(({ kind }) => kind === 'APIService')) await applySecrets(metricsApiSecret(), { replace: false });

  const jobs = ofKind(manifests, 'Job');
  const deployments = ofKind(manifests, 'Deployment');
  const autoscalers = manifests.filter(({ kind }) => kind === 'HorizontalPodAutoscaler' || kind === 'ScaledObject');
  const later = new Set<Manifest>([...jobs, ...deployments, ...autoscalers]);
  await report(apply(manifests.filter((manifest) => !later.has(manifest) && manifest.kind !== 'Namespace')));
  for (const { metadata } of manifests.filter(({ kind }) => kind === 'StatefulSet')) {
    await kubectl(['rollout', 'status', `statefulset/${metadata.name}`, '-n', namespace, '--timeout=300s']);
  }
  await runJobs(jobs);
  await report(apply([...deployments, ...autoscalers]));
  for (const { metadata } of deployments) await kubectl(['rollout', 'status', `deployment/${metadata.name}`, '-n', namespace, '--timeout=300s']);
  say(`${deployments.length} services are ready`);
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { data: { type: 'string' }, help: { type: 'boolean', short: 'h' } } });
const [overlay = ''] = positionals;
if (values.help || !overlays.includes(overlay) || (values.data !== undefined && (values.data !== 'cluster' || !smallOverlays.includes(overlay)))) {
  process.stderr.write(usage);
  process.exitCode = values.help ? 0 : 2;
} else {
  await deploy(overlay, values.data).catch((error: unknown) => {
    if (!(error instanceof KubectlError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  });
}
