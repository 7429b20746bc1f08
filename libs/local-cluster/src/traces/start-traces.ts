import { globSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterContext } from '../cluster.context.ts';
import { fetchJars } from '../components/jars.ts';
import { answers200 } from '../components/mail.component.ts';
import { address } from '../ports.ts';

/** Spans that are kept in memory, the newest: some hundreds of megabytes would be needed for ten times as many. */
const mostSpans = 100_000;

/** Starts Zipkin, which takes the services' spans and shows them; it keeps them in memory alone. */
export async function startTraces(context: ClusterContext): Promise<void> {
  const lib = join(context.root, 'infra/zipkin/lib');
  const { jarFolder } = await fetchJars(context, { folder: join(context.root, 'infra/zipkin'), lib, what: "Zipkin's jar", size: '131 MB' });
  const [jar = ''] = globSync('zipkin-server-*.jar', { cwd: jarFolder });
  const ports = await context.ports.ofProcess('zipkin', ['http']);
  await context.run({
    name: 'zipkin',
    kind: 'component',
    command: context.programs.get('java') ?? 'java',
    args: [
      '-Xms64m',
      '-Xmx192m',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      `-Darmeria.ports[0].ip=${address}`,
      `-Darmeria.ports[0].port=${ports.http}`,
      '-Darmeria.ports[0].protocols[0]=http',
      '-jar',
      join(jarFolder, jar),
    ],
    environment: { STORAGE_TYPE: 'mem', MEM_MAX_SPANS: String(mostSpans) },
    workingDirectory: context.directory,
    ports,
    isReady: (signal) => answers200(`http://${address}:${ports.http}/health`, signal),
  });
}

/** What makes services send their spans there, all of them: a person looks at single requests. */
export async function traceEnvironment({ extras, ports }: ClusterContext): Promise<Record<string, string>> {
  if (!extras.has('traces')) return {};
  return {
    OTEL_EXPORTER_ZIPKIN_ENDPOINT: `http://${address}:${await ports.of('zipkin.http')}/api/v2/spans`,
    OTEL_TRACES_SAMPLER_ARG: '1',
  };
}
