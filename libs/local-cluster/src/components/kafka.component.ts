import { createHash } from 'node:crypto';
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka } from 'kafkajs';
import { ClusterError } from '../cluster.error.ts';
import type { ClusterContext } from '../cluster.context.ts';
import { runCommand } from '../command.ts';
import { renderTemplate, writeAtomically } from '../files.ts';
import { address } from '../ports.ts';
import { fetchJars, makeOnce } from './jars.ts';
import type { ProcessSpecification } from '../supervised-process.ts';
import { SupervisedProcess } from '../supervised-process.ts';

/**
 * The serial collector and the first compiler alone: a broker with megabytes to move starts a third sooner and needs
 * less memory. 256 MB of heap leave 166 MB resident; less of it saves little.
 */
const memoryFlags = ['-Xms256m', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'];

interface Installation {
  /** In one order for ever: a class archive is good for the very same class path only. */
  jars: string[];
  /** Where what is made from the jars is kept; shared by all clusters of the checkout. */
  prepared: string;
}

/** Starts the broker; the first one of a checkout fetches it and prepares what later starts are quicker by. */
export async function startKafka(context: ClusterContext): Promise<void> {
  const installation = await context.timeline.measure('kafka: jars', () => install(context));
  const ports = await context.ports.ofProcess('kafka', ['kafka', 'controller']);
  const data = join(context.directory, 'kafka/data');
  await makeOnce(installation.prepared, (unfinished) =>
    context.timeline.measure('kafka: format, class archive', () => prepare(context, installation, ports, unfinished)),
  );
  if (!existsSync(data)) {
    mkdirSync(join(context.directory, 'kafka'), { recursive: true });
    cpSync(join(installation.prepared, 'formatted'), data, { recursive: true });
  } else if (!existsSync(join(data, 'meta.properties'))) {
    throw new ClusterError(
      'broken-data',
      `The data folder ${data} is broken: it has no meta.properties. Delete it (rm -rf ${join(context.directory, 'kafka')}) and start again: it is made anew, without its messages.`,
    );
  }
  const config = writeConfig(context, data, ports, join(context.directory, 'config/kafka.properties'));
  const archive = [`-XX:SharedArchiveFile=${join(installation.prepared, 'classes.jsa')}`];
  const agent = context.extras.has('metrics') ? await metricsAgent(context) : undefined;
  const broker = specification(context, installation, config, ports, [...archive, ...(agent?.args ?? [])]);
  await context.run({ ...broker, ports: { ...broker.ports, ...agent?.ports } });
}

/** A kafkajs client that fails at once and says nothing; who asks decides what to do next. */
export async function kafkaClient(port: number, options: { retries: number }): Promise<Kafka> {
  const { Kafka, logLevel } = (await import('kafkajs')).default;
  return new Kafka({
    clientId: 'local-cluster',
    brokers: [`${address}:${port}`],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1_000,
    requestTimeout: 5_000,
    retry: { retries: options.retries, initialRetryTime: 100, maxRetryTime: 500 },
  });
}

/** The agent that answers Prometheus from within the broker, by what `infra/kafka/metrics/metrics.yml` picks of its beans. */
async function metricsAgent(context: ClusterContext): Promise<{ args: string[]; ports: { metrics: number } }> {
  const folder = join(context.root, 'infra/kafka/metrics');
  const { jarFolder } = await fetchJars(context, { folder, lib: join(context.root, 'infra/kafka/lib'), what: "the jar of Kafka's metrics", size: '3 MB' });
  const [jar = ''] = globSync('jmx_prometheus_javaagent-*.jar', { cwd: jarFolder });
  const port = await context.ports.of('kafka.metrics');
  return { args: [`-javaagent:${join(jarFolder, jar)}=${address}:${port}:${join(folder, 'metrics.yml')}`], ports: { metrics: port } };
}

async function install(context: ClusterContext): Promise<Installation> {
  const folder = join(context.root, 'infra/kafka');
  const place = join(folder, 'lib');
  // May be a link to another checkout's: one class path for both, since the archive knows it by its letters.
  const lib = existsSync(place) ? realpathSync(place) : place;
  const { jarFolder, hash } = await fetchJars(context, { folder, lib, what: "Kafka's jars", size: '50 MB' });
  // The archive belongs to one Java and one class path, the formatted folder to these settings.
  const java = realpathSync(javaOf(context));
  const parts = [java, statSync(java).mtimeMs, jarFolder, readFileSync(join(folder, 'server.properties'), 'utf8')];
  const made = createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 12);
  return { jars: globSync('*.jar', { cwd: jarFolder }).sort().map((jar) => join(jarFolder, jar)), prepared: join(lib, `prepared-${hash}-${made}`) };
}

/**
 * Formats an empty data folder, and lets a broker run once to record which classes it loads: later ones map them
 * from that archive (JEP 350) and are ready in two thirds of the time.
 */
async function prepare(
  context: ClusterContext,
  installation: Installation,
  ports: { kafka: number; controller: number },
  unfinished: string,
): Promise<void> {
  context.progress('preparing Kafka: formatting a data folder and archiving its classes, once for this checkout');
  const formatted = join(unfinished, 'formatted');
  const trial = join(unfinished, 'trial');
  const formatConfig = writeConfig(context, formatted, ports, join(unfinished, 'format.properties'));
  await runCommand(
    javaOf(context),
    [...memoryFlags, ...classPath(context, installation), 'kafka.tools.StorageTool', 'format', '-t', 'dGVuZm9sZC1sb2NhbC1jMQ', '-c', formatConfig],
    { purpose: "Formatting Kafka's data folder", watchdog: context.watchdog, signal: context.signal },
  );
  cpSync(formatted, trial, { recursive: true });
  const config = writeConfig(context, trial, ports, join(unfinished, 'trial.properties'));
  const observer = { replaced: () => {}, servingChanged: () => {} };
  const archive = [`-XX:ArchiveClassesAtExit=${join(unfinished, 'classes.jsa')}`];
  const trialRun = { ...specification(context, installation, config, ports, archive), name: 'kafka-trial', stopWithinMs: 60_000 };
  const broker = new SupervisedProcess(trialRun, join(context.directory, 'logs'), context.watchdog, observer);
  await broker.start();
  await broker.stop();
  rmSync(trial, { recursive: true });
}

function writeConfig(context: ClusterContext, data: string, ports: { kafka: number; controller: number }, file: string): string {
  const values = { ADDRESS: address, PORT: ports.kafka, CONTROLLER_PORT: ports.controller, DATA_DIRECTORY: data };
  writeAtomically(file, renderTemplate(join(context.root, 'infra/kafka/server.properties'), values));
  return file;
}

function specification(
  context: ClusterContext,
  installation: Installation,
  config: string,
  ports: { kafka: number; controller: number },
  archive: readonly string[],
): ProcessSpecification {
  return {
    name: 'kafka',
    kind: 'component',
    command: javaOf(context),
    args: [...memoryFlags, ...archive, ...classPath(context, installation), 'kafka.Kafka', config],
    workingDirectory: context.directory,
    ports: { ...ports },
    isReady: () => hasBroker(ports.kafka),
    advice: `If its data is broken, delete it (rm -rf ${join(context.directory, 'kafka')}) and start again: messages not handled yet come again from the outboxes.`,
  };
}

function classPath(context: ClusterContext, installation: Installation): string[] {
  return [`-Dlog4j2.configurationFile=${join(context.root, 'infra/kafka/log4j2.properties')}`, '-cp', installation.jars.join(':')];
}

const javaOf = (context: ClusterContext) => context.programs.get('java') ?? 'java';

/** Ready is a broker that the controller has let in, not one that merely listens. */
async function hasBroker(port: number): Promise<boolean> {
  const admin = (await kafkaClient(port, { retries: 0 })).admin();
  try {
    await admin.connect();
    return (await admin.describeCluster()).brokers.length > 0;
  } catch (error) {
    // The broker starts for seconds: asking seldom leaves the processor to it.
    await sleep(150);
    throw error;
  } finally {
    await admin.disconnect();
  }
}
