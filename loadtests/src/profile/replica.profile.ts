import type { HeapProfiler, Profiler } from 'node:inspector';
import { request } from 'undici';
import { z } from 'zod';

/** Kinds as the operations port names them; what each one is stands in `libs/telemetry/src/profiles/profile.ts`. */
export const profileKinds = ['cpu', 'heap', 'allocations', 'io'] as const;
export type ProfileKind = (typeof profileKinds)[number];

/** What a replica answers: a profile of V8's form and what surrounded it. */
export type ReplicaProfile = {
  service: { name: string; version: string; replica: string };
  startedAt: string;
  seconds: number;
  /** Unknown of a profile that a replica wrote by itself. */
  load?: { cpuSeconds: number; mainThreadCpuSeconds: number; eventLoopUtilization: number };
} & ({ kind: 'cpu' | 'io'; profile: Profiler.Profile } | { kind: 'heap' | 'allocations'; profile: HeapProfiler.SamplingHeapProfile });

/** A profile could not be had, in words for a person. */
export class ProfileRefused extends Error {
  override readonly name = 'ProfileRefused';
}

const replicaInfo = z.object({ name: z.string(), replica: z.string() });

/**
 * Makes sure that a forwarded port is that of whom one means.
 *
 * @param name a service's or a replica's
 * @returns the replica's name
 * @throws ProfileRefused
 */
export async function requireReplica(operations: string, name: string): Promise<string> {
  const { body } = await request(`${operations}/info`).catch((cause: Error) => {
    throw new ProfileRefused(`${operations} does not answer: ${cause.message}`, { cause });
  });
  const { data } = replicaInfo.safeParse(await body.json().catch(() => undefined));
  if (!data) throw new ProfileRefused(`${operations} is no operations port: /info does not say who it is.`);
  if (data.name !== name && data.replica !== name) throw new ProfileRefused(`${operations} is ${data.replica}, not ${name}.`);
  return data.replica;
}

/**
 * Has a replica take a profile of itself.
 *
 * @param operations its operations port, e.g. `http://127.0.0.1:20007`
 * @throws ProfileRefused
 */
export async function takeReplicaProfile(
  operations: string,
  { token, kind, seconds, signal }: { token: string; kind: ProfileKind; seconds: number; signal?: AbortSignal },
): Promise<ReplicaProfile> {
  const answer = request(`${operations}/profile`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ kind, seconds }),
    headersTimeout: (seconds + 60) * 1000,
    ...(signal ? { signal } : {}),
  });
  const { statusCode, body } = await answer.catch((cause: Error) => {
    throw new ProfileRefused(`${operations} does not answer: ${cause.message}`, { cause });
  });
  if (statusCode === 200) return (await body.json()) as ReplicaProfile;
  const text = await body.text();
  switch (statusCode) {
    case 401:
      throw new ProfileRefused(`${operations} refuses the token: give the replica's own PROFILE_TOKEN in the environment.`);
    case 404:
      throw new ProfileRefused(`${operations} takes no profiles: start the replica with PROFILE_TOKEN.`);
    case 409:
      throw new ProfileRefused(`${operations} is taking a profile already.`);
    default:
      throw new ProfileRefused(`${operations} answered ${statusCode}: ${text.slice(0, 500)}`);
  }
}
