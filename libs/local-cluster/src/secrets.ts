import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomically } from './files.ts';

/** Everything secret of one cluster: made at its first start, readable by its owner alone, never committed. */
export interface Secrets {
  callsSecret: string;
  /** Newest first. */
  cookieKeys: string[];
  superuserPassword: string;
  replicatorPassword: string;
  redisPassword: string;
  /** PostgreSQL password of each service. */
  servicePasswords: Record<string, string>;
}

const newSecret = () => randomBytes(24).toString('base64url');

/** Reads the cluster's secrets; makes those that are missing, for instance of a service that is new. */
export function loadSecrets(directory: string, services: readonly string[]): Secrets {
  const file = join(directory, 'secrets.json');
  const kept: Partial<Secrets> = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Secrets) : {};
  const secrets: Secrets = {
    callsSecret: kept.callsSecret ?? newSecret(),
    cookieKeys: kept.cookieKeys ?? [newSecret()],
    superuserPassword: kept.superuserPassword ?? newSecret(),
    replicatorPassword: kept.replicatorPassword ?? newSecret(),
    redisPassword: kept.redisPassword ?? newSecret(),
    servicePasswords: Object.fromEntries(services.map((service) => [service, kept.servicePasswords?.[service] ?? newSecret()])),
  };
  writeAtomically(file, `${JSON.stringify(secrets, undefined, 2)}\n`);
  return secrets;
}
