import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { gatherWrites } from './index.ts';

/** A client that writes what it is given, to a server that keeps what comes. */
async function startClient() {
  const server = createServer();
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  const stream = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [peer] = await accepted;
  const client = { stream, sendCommand: (part: string | Buffer) => stream.write(part) };
  gatherWrites(client);
  return { client, received: buffer(peer) };
}

test.each<[string, (string | Buffer)[]]>([
  ['texts', ['a', 'ä€😀', '', 'b'.repeat(100_000), '\r\n']],
  ['texts and bytes', ['a', Buffer.from([0, 255, 128]), 'ü', Buffer.from('b'), 'c']],
])('%s of one turn arrive as they were sent', async (_, parts) => {
  const { client, received } = await startClient();
  for (let turn = 0; turn < 3; turn += 1) {
    for (const part of parts) client.sendCommand(part);
    await new Promise((resolve) => setImmediate(resolve));
  }
  client.stream.end();

  expect(await received).toEqual(Buffer.concat([...parts, ...parts, ...parts].map((part) => Buffer.from(part))));
});
