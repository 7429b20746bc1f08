import type { ClusterUrls } from '@tenfold/local-cluster';
import { request } from 'undici';

type Operations = Readonly<ClusterUrls['operations']>;

/** Switches a fault on in every replica that has it; the route `/faults` of `libs/service`. Throws when none has. */
export async function switchOn(operations: Operations, name: string, settings: object): Promise<void> {
  const statuses = await Promise.all(
    Object.values(operations).map(async (url) => {
      const { statusCode, body } = await request(`${url}/faults/${name}`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify(settings) });
      const text = await body.text();
      if (statusCode !== 204 && statusCode !== 404) throw new Error(`${url} refused the fault ${name}: ${statusCode} ${text}`);
      return statusCode;
    }),
  );
  if (!statuses.includes(204)) throw new Error(`No replica has the fault ${name}.`);
}

export async function switchOff(operations: Operations): Promise<void> {
  await Promise.all(Object.values(operations).map(async (url) => (await request(`${url}/faults`, { method: 'DELETE' })).body.dump()));
}
