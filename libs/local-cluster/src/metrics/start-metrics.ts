import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterContext } from '../cluster.context.ts';
import type { ComponentName } from '../components/component-names.ts';
import { answers200 } from '../components/mail.component.ts';
import { renderTemplate, writeAtomically } from '../files.ts';
import { address } from '../ports.ts';
import { startPgbouncerExporter, startPostgresqlExporters, startRedisExporter } from './exporters.ts';
import { targetsDirectory, writeTargets } from './scrape-targets.ts';

/** Starts Prometheus, and the exporters of those components that do not answer it themselves. */
export async function startMetrics(context: ClusterContext, components: readonly ComponentName[]): Promise<void> {
  const { directory, ports } = context;
  const own = async (component: ComponentName) =>
    writeTargets(directory, component, components.includes(component) ? [{ port: await ports.of(`${component}.metrics`), labels: {} }] : []);
  await Promise.all([
    startPrometheus(context),
    own('haproxy'),
    own('kafka'),
    components.includes('postgresql') && startPostgresqlExporters(context),
    components.includes('pgbouncer') && startPgbouncerExporter(context),
    startRedisExporter(context, components),
  ]);
}

async function startPrometheus(context: ClusterContext): Promise<void> {
  const { directory, root } = context;
  const port = await context.ports.of('prometheus.http');
  const data = join(directory, 'prometheus/data');
  mkdirSync(data, { recursive: true });
  const configFile = join(directory, 'config/prometheus.yml');
  const values = { TARGETS: targetsDirectory(directory), RULES: join(root, 'infra/prometheus'), SCRAPE_INTERVAL: '5s' };
  writeAtomically(configFile, renderTemplate(join(root, 'infra/prometheus/prometheus.yml'), values));
  await context.run({
    name: 'prometheus',
    kind: 'component',
    command: context.programs.get('prometheus') ?? 'prometheus',
    args: [
      `--config.file=${configFile}`,
      `--web.listen-address=${address}:${port}`,
      `--storage.tsdb.path=${data}`,
      // A laptop's disk: whichever is reached first.
      '--storage.tsdb.retention.time=7d',
      '--storage.tsdb.retention.size=512MB',
      '--log.level=warn',
    ],
    workingDirectory: directory,
    ports: { http: port },
    isReady: (signal) => answers200(`http://${address}:${port}/-/ready`, signal),
    advice: `If its data is broken, delete it (rm -rf ${data}) and start again: the history of metrics is lost.`,
  });
}
