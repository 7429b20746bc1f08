import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';

export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** An object of Kubernetes as far as the checks look into it. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> };
}

export interface EnvironmentVariable {
  name: string;
  value?: string;
  valueFrom?: { secretKeyRef?: { name: string; key: string }; configMapKeyRef?: { name: string; key: string }; fieldRef?: { fieldPath: string } };
}

export interface Probe {
  httpGet?: { path: string; port: string | number };
}

export interface Container {
  name: string;
  image: string;
  args?: string[];
  env?: EnvironmentVariable[];
  envFrom?: { configMapRef?: { name: string } }[];
  ports?: { name: string; containerPort: number }[];
  lifecycle?: { preStop?: { sleep?: { seconds: number } } };
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[];
  resources: Record<'requests' | 'limits', Record<string, string> | undefined>;
  startupProbe?: Probe;
  livenessProbe?: Probe;
  readinessProbe?: Probe;
}

export interface PodTemplate {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
  spec: { terminationGracePeriodSeconds?: number; serviceAccountName?: string; containers: Container[]; volumes?: Volume[] };
}

export interface Volume {
  name: string;
  csi?: { driver: string; volumeAttributes: Record<string, string> };
}

export interface Deployment extends Manifest {
  spec: { strategy?: { rollingUpdate?: { maxSurge?: number } }; template: PodTemplate };
}

/** A Job, or whatever else has no more than a template of pods here. */
export interface Job extends Manifest {
  spec: { template: PodTemplate };
}

export interface Autoscaler extends Manifest {
  spec: {
    scaleTargetRef: { name: string };
    minReplicas?: number;
    maxReplicas: number;
    metrics: { type: string; resource?: { name: string }; pods?: { metric: { name: string } }; external?: { metric: { name: string } } }[];
  };
}

export interface ScaledObject extends Manifest {
  spec: { scaleTargetRef: { name: string }; minReplicaCount?: number; maxReplicaCount: number };
}

export interface ConfigMap extends Manifest {
  data: Record<string, string>;
}

export interface Service extends Manifest {
  spec: { clusterIP?: string; ports: { name: string; port: number; targetPort?: string | number }[] };
}

interface Peer {
  podSelector?: { matchExpressions?: { values: string[] }[] };
}

export interface NetworkPolicy extends Manifest {
  spec: { ingress?: { from?: Peer[] }[]; egress?: { to?: Peer[] }[] };
}

interface Kinds {
  Deployment: Deployment;
  Job: Job;
  StatefulSet: Job;
  HorizontalPodAutoscaler: Autoscaler;
  ScaledObject: ScaledObject;
  ConfigMap: ConfigMap;
  Service: Service;
  NetworkPolicy: NetworkPolicy;
}

/** The objects of one kind. */
export function ofKind<Kind extends keyof Kinds>(manifests: readonly Manifest[], kind: Kind): Kinds[Kind][] {
  return manifests.filter((manifest): manifest is Kinds[Kind] => manifest.kind === kind);
}

/** Which overlays there are. */
export const overlays: readonly string[] = readdirSync(join(root, 'k8s/overlays')).sort();

/** Those for small clusters: their data services are within, in single pods of one node. */
export const smallOverlays: readonly string[] = ['local', 'elasticity'];

const modules = {
  kustomize: 'sigs.k8s.io/kustomize/kustomize/v5@v5.7.1',
  'kube-score': 'github.com/zegl/kube-score/cmd/kube-score@v1.20.0',
} as const;

/** A program of `KUBEBUILDER_ASSETS`, of what was built here, or of the path. */
export function findProgram(program: string): string | undefined {
  const folders = [process.env['KUBEBUILDER_ASSETS'], join(root, '.tenfold/bin'), ...(process.env['PATH'] ?? '').split(delimiter)];
  return folders.filter((folder) => folder !== undefined && folder !== '').map((folder) => join(folder as string, program)).find((file) => existsSync(file));
}

/** `kubectl` of `KUBEBUILDER_ASSETS` or the path. */
export const findKubectl = (): string | undefined => findProgram('kubectl');

/** The program, built once by Go where there is none; undefined without either. */
export function findOrBuild(program: keyof typeof modules): string | undefined {
  if (findProgram(program) === undefined && findProgram('go') !== undefined) {
    spawnSync('go', ['install', modules[program]], { env: { ...process.env, GOBIN: join(root, '.tenfold/bin'), GOFLAGS: '' }, stdio: ['ignore', 2, 2] });
  }
  return findProgram(program);
}

/** The command that renders a kustomization: kubectl, kustomize, or kustomize built once by Go; undefined without any of them. */
export function findKustomize(): readonly string[] | undefined {
  const kubectl = findKubectl();
  if (kubectl !== undefined) return [kubectl, 'kustomize'];
  const kustomize = findOrBuild('kustomize');
  return kustomize === undefined ? undefined : [kustomize, 'build'];
}

/** Writes a kustomization into a folder of its own under `.tenfold`, from which `../../k8s` is the manifests. @returns the folder */
export function writeKustomization(name: string, kustomization: object): string {
  const folder = join(root, '.tenfold', name);
  mkdirSync(folder, { recursive: true });
  // JSON is YAML.
  writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify({ apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization', ...kustomization }));
  return folder;
}

/** @throws Error with what kustomize says */
export function renderText(kustomize: readonly string[], folder: string): string {
  const [program = '', ...rest] = kustomize;
  const { status, stdout, stderr, error } = spawnSync(program, [...rest, folder], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (error) throw error;
  if (status !== 0) throw new Error(`${folder}: ${stderr}`);
  return stdout;
}

/** Text with any number of objects, taken apart. */
export function readManifests(text: string): Manifest[] {
  return parseAllDocuments(text).flatMap((document) => {
    const manifest = document.toJS() as Manifest | null;
    return manifest === null ? [] : [manifest];
  });
}
