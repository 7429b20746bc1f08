import type { ExtraName } from './components/component-names.ts';
import type { Ports } from './ports.ts';
import type { Secrets } from './secrets.ts';
import type { ServiceDeclaration } from './service-declaration.ts';
import type { ProcessSpecification, SupervisedProcess } from './supervised-process.ts';
import type { Timeline } from './timeline.ts';
import type { UnprivilegedUser } from './unprivileged-user.ts';
import type { Watchdog } from './watchdog.ts';

/** What every part of one cluster's start needs to know. */
export interface ClusterContext {
  /** Root of the checkout. */
  root: string;
  /** Data folder of the cluster, absolute. */
  directory: string;
  ports: Ports;
  secrets: Secrets;
  declarations: readonly ServiceDeclaration[];
  /** Folder with one folder of bundles for each service. */
  bundles: string;
  /** Settings beside those of the cluster, by service, `*` for all. */
  environment: Readonly<Record<string, Readonly<Record<string, string>>>>;
  extras: ReadonlySet<ExtraName>;
  /** Where each program lies that a component runs. */
  programs: ReadonlyMap<string, string>;
  user: UnprivilegedUser | undefined;
  watchdog: Watchdog;
  timeline: Timeline;
  signal: AbortSignal | undefined;
  progress(line: string): void;
  /** Adds a process to the cluster and starts it. */
  run(specification: ProcessSpecification): Promise<SupervisedProcess>;
}
