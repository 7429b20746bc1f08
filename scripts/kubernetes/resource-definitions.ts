import { spawnSync } from 'node:child_process';
import { basename, join } from 'node:path';
import { kubectl } from './kubectl.ts';
import { findProgram } from './manifests.ts';

/** Operators whose kinds the overlays have objects of: Go modules that carry the definitions, and in which files. */
const operators: readonly { module: string; folder: string; files: readonly string[] }[] = [
  {
    module: 'github.com/prometheus-operator/prometheus-operator@v0.85.0',
    folder: 'example/prometheus-operator-crd',
    files: ['monitoring.coreos.com_servicemonitors.yaml', 'monitoring.coreos.com_prometheusrules.yaml'],
  },
  { module: 'sigs.k8s.io/gateway-api@v1.4.0', folder: 'config/crd/standard', files: ['gateway.networking.k8s.io_httproutes.yaml'] },
  { module: 'github.com/kedacore/keda/v2@v2.18.0', folder: 'config/crd/bases', files: ['keda.sh_scaledobjects.yaml'] },
];

/** What a definition is called, by its file: `httproutes.gateway.networking.k8s.io`. */
const nameOf = (file: string) => basename(file, '.yaml').split('_').toReversed().join('.');

/** Files of the definitions, of the same versions each time; none without Go. */
function definitions(): string[] {
  const go = findProgram('go');
  if (go === undefined) return [];
  const { stdout, stderr, error } = spawnSync(go, ['mod', 'download', '-json', ...operators.map(({ module }) => module)], { cwd: '/', encoding: 'utf8', env: { ...process.env, GOFLAGS: '' } });
  if (error) throw error;
  const folders = [...stdout.matchAll(/"Dir": "(.+)"/g)].map(([, folder = '']) => folder);
  if (folders.length !== operators.length) throw new Error(`go mod download: ${stderr}${stdout}`);
  return operators.flatMap(({ folder, files }, index) => files.map((file) => join(folders[index] ?? '', folder, file)));
}

/**
 * Tells the API server of the kinds that operators bring, as far as it does not know them.
 *
 * @returns what takes them away again, with every object of those kinds
 */
export async function installDefinitions(): Promise<() => Promise<void>> {
  const known = new Set((await kubectl(['get', 'crds', '-o', 'name'])).split('\n').map((line) => line.split('/').at(-1)));
  const missing = definitions().filter((file) => !known.has(nameOf(file)));
  if (missing.length === 0) return async () => {};
  const files = missing.flatMap((file) => ['-f', file]);
  // By the server: what the client writes into an annotation is too long for some.
  await kubectl(['apply', '--server-side', ...files]);
  await kubectl(['wait', '--for=condition=established', '--timeout=60s', ...missing.map((file) => `crd/${nameOf(file)}`)]);
  return async () => {
    await kubectl(['delete', '--ignore-not-found', ...files]);
  };
}
