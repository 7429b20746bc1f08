import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { servePeer } from '../../frame/peer.ts';

/** A replica that needs so long for an answer, and says so in it. */
await servePeer(async ({ delayMs }: { delayMs: number }) => {
  const server = createServer(async (request, response) => {
    if (request.url !== '/health/ready') await sleep(delayMs);
    response.end(String(delayMs));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { port: (server.address() as AddressInfo).port };
});
