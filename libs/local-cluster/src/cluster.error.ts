/**
 * Why a cluster could not be started or commanded.
 * - `missing-programs`: a program is not installed and was not to be, or could not be, installed.
 * - `port-taken`: a port fixed by `TENFOLD_PORT_BASE` belongs to another process, or no free one is left.
 * - `disk-full`: less than 1 GB is free, or a write failed for lack of space.
 * - `broken-data`: a data folder is not what its server expects.
 * - `not-ready`: a process ended or did not become ready in time.
 * - `command-failed`: a command of the set-up (build, migration, package client) failed.
 * - `already-running`: this folder's cluster runs already.
 * - `not-running`: no cluster runs in this folder.
 * - `unknown-process`: no process or service has this name.
 * - `bad-option`: an option or setting has no meaning.
 * - `stopped`: the start was cancelled, or the cluster is stopping.
 */
export type ClusterErrorCode =
  | 'missing-programs'
  | 'port-taken'
  | 'disk-full'
  | 'broken-data'
  | 'not-ready'
  | 'command-failed'
  | 'already-running'
  | 'not-running'
  | 'unknown-process'
  | 'bad-option'
  | 'stopped';

/** An error whose message is written for the person who ran the command. */
export class ClusterError extends Error {
  readonly code: ClusterErrorCode;

  constructor(code: ClusterErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ClusterError';
    this.code = code;
  }
}
