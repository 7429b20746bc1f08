import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomically } from './files.ts';

/** Everything secret of one cluster: made at its first start, readable by its owner alone, never committed. */
export interface Secrets {
  callsSecret: string;
  /** Lets whoever can read this file take profiles of the replicas. */
  profileToken: string;
  /** Newest first. */
  cookieKeys: string[];
  superuserPassword: string;
  replicatorPassword: string;
  redisPassword: string;
  /** PostgreSQL password of each service. */
  servicePasswords: Record<string, string>;
  /** What PostgreSQL and PgBouncer keep of those passwords, the same in both. */
  serviceVerifiers: Record<string, string>;
}

/**
 * The verifier of a password (RFC 5802, in PostgreSQL's notation). Given the same one as the servers, PgBouncer neither
 * stretches the password at each log-in, 5 ms of its only thread, nor needs to know it: it passes the client's proof on.
 */
function scramVerifier(password: string): string {
  const iterations = 4096;
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const keyOf = (purpose: string) => createHmac('sha256', salted).update(purpose).digest();
  const storedKey = createHash('sha256').update(keyOf('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${keyOf('Server Key').toString('base64')}`;
}

const newSecret = () => randomBytes(24).toString('base64url');

const fileOf = (directory: string) => join(directory, 'secrets.json');

function keptSecrets(directory: string): Partial<Secrets> {
  const file = fileOf(directory);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Secrets) : {};
}

/** What is secret of the cluster of a folder; undefined where no cluster was ever started. */
export function readSecrets(directory: string): Secrets | undefined {
  return existsSync(fileOf(directory)) ? (keptSecrets(directory) as Secrets) : undefined;
}

/** The token that the replicas of a cluster take profiles for; undefined where no cluster was ever started. */
export function profileTokenOf(directory: string): string | undefined {
  return keptSecrets(directory).profileToken;
}

/** Reads the cluster's secrets; makes those that are missing, for instance of a service that is new. */
export function loadSecrets(directory: string, services: readonly string[]): Secrets {
  const kept = keptSecrets(directory);
  const servicePasswords = Object.fromEntries(services.map((service) => [service, kept.servicePasswords?.[service] ?? newSecret()]));
  const verifierOf = ([service, password]: [string, string]) => [service, kept.serviceVerifiers?.[service] ?? scramVerifier(password)];
  const secrets: Secrets = {
    callsSecret: kept.callsSecret ?? newSecret(),
    profileToken: kept.profileToken ?? newSecret(),
    cookieKeys: kept.cookieKeys ?? [newSecret()],
    superuserPassword: kept.superuserPassword ?? newSecret(),
    replicatorPassword: kept.replicatorPassword ?? newSecret(),
    redisPassword: kept.redisPassword ?? newSecret(),
    servicePasswords,
    serviceVerifiers: Object.fromEntries(Object.entries(servicePasswords).map(verifierOf)) as Record<string, string>,
  };
  writeAtomically(fileOf(directory), `${JSON.stringify(secrets, undefined, 2)}\n`);
  return secrets;
}
