import { execFileSync, spawnSync } from 'node:child_process';
import { ClusterError } from './cluster.error.ts';

/** Who runs PostgreSQL and PgBouncer, which refuse to be run by root. */
export interface UnprivilegedUser {
  uid: number;
  gid: number;
  /** Command that must run it instead of a plain change of user; empty where that is enough. */
  prefix: readonly string[];
}

/**
 * The user `postgres`, which the package of PostgreSQL makes, when we are root; undefined when we are not, since then
 * everything runs as ourselves. Where that user cannot reach `directory`, because a folder above it is private
 * (a checkout in `/root`), it gets the one capability of passing through folders, and no other.
 *
 * @throws ClusterError `missing-programs` when we are root and there is no such user
 */
export function findUnprivilegedUser(directory: string): UnprivilegedUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  let uid: number;
  let gid: number;
  try {
    uid = Number(execFileSync('id', ['-u', 'postgres'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
    gid = Number(execFileSync('id', ['-g', 'postgres'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  } catch (error) {
    throw new ClusterError('missing-programs', 'PostgreSQL refuses to run as root, and there is no user "postgres" to run it: useradd --system postgres', {
      cause: error,
    });
  }
  const reaches = spawnSync('test', ['-x', directory], { uid, gid, cwd: '/' }).status === 0;
  const capability = '+dac_read_search';
  const prefix = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', `--inh-caps=${capability}`, `--ambient-caps=${capability}`];
  return { uid, gid, prefix: reaches ? [] : prefix };
}
