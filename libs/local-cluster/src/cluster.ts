import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ClusterError } from './cluster.error.ts';
import type { ClusterContext } from './cluster.context.ts';
import type { Cluster, ClusterState } from './cluster.handle.ts';
import { checkedReplicas, clusterDirectory, componentsOf, extrasOf, portBaseOf, replicasOf, requireBundles, root } from './cluster.options.ts';
import type { ClusterOptions } from './cluster.options.ts';
import { clusterUrls } from './cluster.urls.ts';
import type { ClusterUrls } from './cluster.urls.ts';
import { runCommand } from './command.ts';
import { startComponents } from './components/start-components.ts';
import { ControlServer } from './control/control.server.ts';
import { requireFreeSpace } from './files.ts';
import { requirePrograms } from './install/install-programs.ts';
import { startMetrics } from './metrics/start-metrics.ts';
import { writeServiceTargets } from './metrics/scrape-targets.ts';
import { address, Ports } from './ports.ts';
import { loadSecrets } from './secrets.ts';
import { readDeclarations } from './service-declaration.ts';
import { balancerSettings } from './components/haproxy.config.ts';
import { Balancer } from './services/balancer.ts';
import { writeCallAddresses } from './services/call-addresses.ts';
import { replicaOf, serviceSpecification } from './services/service-processes.ts';
import { watchStarter } from './starter.ts';
import { endLeftovers, lockDirectory, writeState } from './state-file.ts';
import { SupervisedProcess } from './supervised-process.ts';
import type { ProcessObserver, ProcessSpecification } from './supervised-process.ts';
import { statusOf } from './cluster.status.ts';
import type { ProcessStatus } from './cluster.status.ts';
import { Timeline } from './timeline.ts';
import { startTraces } from './traces/start-traces.ts';
import type { Timing } from './timeline.ts';
import { findUnprivilegedUser } from './unprivileged-user.ts';
import { Watchdog } from './watchdog.ts';

/**
 * Starts the system, or the parts of it that are asked for, as processes of this machine, and resolves when all are
 * ready. They end with this process, however it ends; nobody else is to handle its signals, so a program that wants
 * Ctrl-C to end them in order calls `stop()`.
 *
 * @throws ClusterError with a message for a person; nothing is left running then
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const cluster = new LocalCluster(options);
  await cluster.start();
  return cluster;
}

class LocalCluster implements Cluster, ProcessObserver {
  readonly directory: string;
  readonly #options: ClusterOptions;
  readonly #timeline = new Timeline();
  readonly #processes = new Map<string, SupervisedProcess>();
  readonly #cancelled = new AbortController();
  readonly #stopped = Promise.withResolvers<void>();
  readonly #balancer: Balancer;
  #state: ClusterState = 'starting';
  #context: ClusterContext | undefined;
  #urls: Omit<ClusterUrls, 'operations'> | undefined;
  #watchdog: Watchdog | undefined;
  #control: ControlServer | undefined;
  #unlock: (() => void) | undefined;
  #forgetStarter: (() => void) | undefined;
  #stopping: Promise<void> | undefined;
  /** Scaling, restarting: one at a time. */
  #changes: Promise<unknown> = Promise.resolve();

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.directory = clusterDirectory(options.directory);
    this.#balancer = new Balancer(this.directory, balancerSettings(options.environment?.['haproxy'] ?? {}).weights);
  }

  get state(): ClusterState {
    return this.#state;
  }

  get urls(): ClusterUrls {
    if (!this.#urls) throw new ClusterError('not-running', 'The cluster has no addresses yet');
    const replicas = [...this.#processes.values()].filter(({ specification }) => specification.kind === 'service');
    const operations = Object.fromEntries(replicas.map(({ name, specification }) => [name, `http://${address}:${specification.ports['operations']}`]));
    return { ...this.#urls, operations };
  }

  get timings(): readonly Timing[] {
    return this.#timeline.timings;
  }

  get stopped(): Promise<void> {
    return this.#stopped.promise;
  }

  async start(): Promise<void> {
    const { signal } = this.#options;
    const cancel = () => void this.stop();
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      await this.#start();
      if (this.#state !== 'starting' || signal?.aborted) throw new ClusterError('stopped', 'The cluster was stopped while it started.');
      this.#state = 'running';
    } catch (error) {
      const cancelled = signal?.aborted && !(error instanceof ClusterError);
      await this.stop();
      // What was under way failed because the servers went away beneath it.
      throw cancelled ? new ClusterError('stopped', 'The cluster was stopped while it started.', { cause: error }) : error;
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  processes(): ProcessStatus[] {
    return statusOf(this.#processes.values());
  }

  async scale(service: string, replicas: number): Promise<void> {
    checkedReplicas(service, replicas);
    await this.#oneAtATime(async () => {
      const context = this.#requireContext();
      const declaration = context.declarations.find(({ name }) => name === service);
      if (!declaration) throw new ClusterError('unknown-process', `There is no service "${service}".`);
      const present = [...this.#processes.values()].filter(({ name, specification }) => specification.kind === 'service' && replicaOf(name)?.service === service);
      const numbers = new Set(present.map(({ name }) => replicaOf(name)?.number));
      const missing = Array.from({ length: replicas }, (_, index) => index + 1).filter((number) => !numbers.has(number));
      const surplus = present.filter(({ name }) => (replicaOf(name)?.number ?? 0) > replicas);
      await Promise.all([
        ...missing.map(async (number) => this.#run(await serviceSpecification(context, declaration, number))),
        ...surplus.map((process) => this.#remove(process)),
      ]);
      context.ports.save();
    });
  }

  kill(name: string): void {
    this.#find(name).kill();
  }

  pause(name: string): void {
    this.#find(name).pause();
  }

  resume(name: string): void {
    this.#find(name).resume();
  }

  async halt(name: string): Promise<void> {
    const process = this.#find(name);
    await this.#oneAtATime(() => process.stop());
  }

  async restart(name: string): Promise<void> {
    const process = this.#find(name);
    await this.#oneAtATime(() => process.restart());
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  replaced(): void {
    const known = [...this.#processes.values()].flatMap(({ name, running, specification }) =>
      running ? [{ name, ...running, stopSignal: specification.stopSignal ?? 'SIGTERM' }] : [],
    );
    writeState(this.directory, known);
    this.#followReplicas();
  }

  servingChanged(process: SupervisedProcess): void {
    if (process.name === 'haproxy' || process.specification.ports['http'] !== undefined) this.#balancer.update(this.#processes.values());
    const replica = process.specification.kind === 'service' ? replicaOf(process.name) : undefined;
    if (replica) writeCallAddresses(this.directory, replica.service, this.#processes.values());
    if (replica) this.#followReplicas();
  }

  #followReplicas(): void {
    if (this.#context?.extras.has('metrics')) writeServiceTargets(this.directory, this.#processes.values());
  }

  async #start(): Promise<void> {
    const { onProgress: progress = () => {}, install = true, services, environment = {} } = this.#options;
    const apps = this.#options.appsDirectory ?? join(root, 'apps');
    const bundles = this.#options.bundlesDirectory ?? join(root, 'dist/apps');
    const declarations = readDeclarations(apps);
    const replicas = replicasOf(services, declarations);
    const components = componentsOf(this.#options.components);
    const extras = extrasOf(this.#options.with);
    const portBase = portBaseOf(this.#options.portBase);

    // Others may pass through, since PostgreSQL runs as another user when we are root, but not look in.
    mkdirSync(this.directory, { recursive: true, mode: 0o711 });
    for (const folder of ['logs', 'config', 'addresses', 'objects']) mkdirSync(join(this.directory, folder), { recursive: true });
    requireFreeSpace(this.directory);
    this.#unlock = lockDirectory(this.directory);
    const watchdog = (this.#watchdog = new Watchdog());
    this.#forgetStarter = watchStarter();
    this.#control = new ControlServer(this);
    await this.#control.listen();
    const left = await endLeftovers(this.directory);
    if (left.length > 0) progress(`ended what an earlier runner left behind: ${left.join(', ')}`);

    const signal = this.#cancelled.signal;
    const programs = await requirePrograms([...components, ...extras], { install, watchdog, signal, progress });
    const needsUser = components.includes('postgresql') || components.includes('pgbouncer');
    const names = declarations.map(({ name }) => name);
    const context: ClusterContext = {
      root,
      directory: this.directory,
      ports: new Ports(this.directory, names, portBase),
      secrets: loadSecrets(this.directory, names),
      declarations,
      bundles,
      environment,
      extras,
      programs,
      user: needsUser ? findUnprivilegedUser(this.directory) : undefined,
      watchdog,
      timeline: this.#timeline,
      signal,
      progress,
      run: (specification) => this.#run(specification),
    };
    this.#context = context;
    this.#urls = await clusterUrls(context, components);

    const built = this.#options.bundlesDirectory === undefined && replicas.size > 0 ? this.#build(context) : Promise.resolve();
    const metrics = extras.has('metrics') ? startMetrics(context, components) : Promise.resolve();
    const traces = extras.has('traces') ? startTraces(context) : Promise.resolve();
    await this.#sideBySide([built, metrics, traces, ...startComponents(context, components, replicas.size > 0 ? built : undefined)]);
    requireBundles(bundles, replicas.keys());
    context.ports.save();
    await this.#timeline.measure('before services', async () => this.#options.beforeServices?.(this));
    const wanted = [...replicas].flatMap(([declaration, count]) => Array.from({ length: count }, (_, index) => ({ declaration, number: index + 1 })));
    await this.#sideBySide(wanted.map(async ({ declaration, number }) => this.#run(await serviceSpecification(context, declaration, number))));
    context.ports.save();
    await this.#balancer.settled();
  }

  async #build(context: ClusterContext): Promise<void> {
    await this.#timeline.measure('build', () =>
      runCommand(process.execPath, [join(root, 'scripts/build.ts')], {
        purpose: 'Building the services',
        workingDirectory: root,
        watchdog: context.watchdog,
        signal: context.signal,
        onLine: context.progress,
      }),
    );
  }

  async #run(specification: ProcessSpecification): Promise<SupervisedProcess> {
    const context = this.#requireContext();
    const { name } = specification;
    if (this.#cancelled.signal.aborted) throw new ClusterError('stopped', `${name} was not started: the cluster stops.`);
    const process = new SupervisedProcess(specification, join(this.directory, 'logs'), context.watchdog, this);
    this.#processes.set(name, process);
    try {
      await this.#timeline.measure(name, () => process.start());
    } catch (error) {
      this.#processes.delete(name);
      throw error;
    }
    context.progress(`${name} is ready`);
    return process;
  }

  async #remove(process: SupervisedProcess): Promise<void> {
    await process.stop();
    this.#processes.delete(process.name);
  }

  /** Waits for all; when one fails, ends the others before it tells. */
  async #sideBySide(tasks: readonly Promise<unknown>[]): Promise<void> {
    try {
      await Promise.all(tasks);
    } catch (error) {
      this.#cancelled.abort();
      await Promise.allSettled([this.#stopProcesses(() => true), ...tasks]);
      throw error;
    }
  }

  async #oneAtATime<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#changes.then(() => {
      if (this.#cancelled.signal.aborted) throw new ClusterError('stopped', 'The cluster stops.');
      return change();
    });
    this.#changes = result.catch(() => {});
    return result;
  }

  async #stop(): Promise<void> {
    this.#state = 'stopping';
    this.#forgetStarter?.();
    this.#cancelled.abort();
    await this.#stopProcesses(({ specification }) => specification.kind === 'service');
    await this.#stopProcesses(() => true);
    await this.#watchdog?.close();
    if (this.#unlock) rmSync(join(this.directory, 'state.json'), { force: true });
    await this.#control?.close();
    this.#unlock?.();
    this.#state = 'stopped';
    this.#stopped.resolve();
  }

  async #stopProcesses(chosen: (process: SupervisedProcess) => boolean): Promise<void> {
    await Promise.all([...this.#processes.values()].filter(chosen).map((process) => process.stop()));
  }

  #find(name: string): SupervisedProcess {
    const process = this.#processes.get(name);
    if (process) return process;
    throw new ClusterError('unknown-process', `There is no process "${name}"; there are ${[...this.#processes.keys()].sort().join(', ')}.`);
  }

  #requireContext(): ClusterContext {
    if (this.#context) return this.#context;
    throw new ClusterError('not-running', 'The cluster has not begun to start yet.');
  }
}
