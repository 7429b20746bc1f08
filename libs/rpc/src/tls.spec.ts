import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import { createTestAuthority } from '@tenfold/local-cluster/testing';
import { afterAll, afterEach, expect, test } from 'vitest';
import { closeAll, eventually, startClient, startReplica } from './calls.fixture.ts';

const authority = createTestAuthority();
const otherAuthority = createTestAuthority();
const serviceDirectory = authority.issue('fixture');
const callerDirectory = authority.issue('caller');

afterEach(closeAll);
afterAll(() => {
  authority.remove();
  otherAuthority.remove();
});

const portOf = (address: string) => Number(address.split(':')[1]);
const codeOf = (call: Promise<unknown>) => call.then(() => 'ok', (error: { code: string }) => error.code);

/** All that a server says to who connects so, until it closes the connection. */
async function heardBy(socket: Socket): Promise<string> {
  let heard = '';
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1'))).on('error', () => {});
  await once(socket, 'close');
  return heard;
}

test('with certificates on both sides calls are answered, and nothing of them can be read on the way', async () => {
  const { address } = await startReplica('a', { tlsDirectory: serviceDirectory });
  let onTheWay = '';
  const wire = createServer((near) => {
    const far = connect(portOf(address), '127.0.0.1');
    for (const [from, to] of [[near, far], [far, near]] as const) {
      from.on('data', (chunk: Buffer) => {
        onTheWay += chunk.toString('latin1');
        to.write(chunk);
      });
      from.on('error', () => {}).on('close', () => to.destroy());
    }
  }).listen(0, '127.0.0.1');
  await once(wire, 'listening');
  const client = await startClient(`127.0.0.1:${(wire.address() as AddressInfo).port}`, { tlsDirectory: callerDirectory });
  const texts = Array.from({ length: 200 }, (_, index) => `known text ${index} ${'x'.repeat(index * 50)}`);
  const answers = await Promise.all(texts.map((text) => client.echo({ text })));
  await closeAll();
  wire.close();

  expect(answers.map(({ text }) => text)).toEqual(texts);
  expect(onTheWay.length).toBeGreaterThan(100_000);
  expect(onTheWay).not.toMatch(/known text|TNFD/);
});

test.each([
  ['that speaks no TLS', undefined],
  ['with a certificate of another authority', otherAuthority.issue('caller')],
  ['with a certificate that has expired', authority.issue('caller', { expired: true })],
])('a caller %s is refused', async (_, tlsDirectory) => {
  const replica = await startReplica('a', { tlsDirectory: serviceDirectory });
  const client = await startClient(replica.address, tlsDirectory === undefined ? {} : { tlsDirectory });

  expect(await codeOf(client.whoAnswers({ ms: 0 }))).toBe('unavailable');
  expect(replica.started).toEqual([]);
});

test.each([
  ['none', {}],
  ['one of another authority', 'other'],
])('a connection that shows %s hears nothing', async (_, shows) => {
  const { address } = await startReplica('a', { tlsDirectory: serviceDirectory });
  const directory = otherAuthority.issue('caller');
  const shown: ConnectionOptions = shows === 'other' ? { cert: readFileSync(join(directory, 'tls.crt')), key: readFileSync(join(directory, 'tls.key')) } : {};
  const socket = connectTls({ port: portOf(address), host: '127.0.0.1', servername: 'fixture', ca: readFileSync(join(serviceDirectory, 'ca.crt')), ...shown });

  expect(await heardBy(socket)).toBe('');
});

test.each([
  ['of another authority', () => otherAuthority.issue('fixture')],
  ['of another service', () => authority.issue('another-service')],
  ['that has expired', () => authority.issue('fixture', { expired: true })],
])('a service with a certificate %s gets no call', async (_, issue) => {
  const replica = await startReplica('a', { tlsDirectory: issue() });
  const client = await startClient(replica.address, { tlsDirectory: callerDirectory });

  expect(await codeOf(client.whoAnswers({ ms: 0 }))).toBe('unavailable');
  expect(replica.started).toEqual([]);
});

test('certificates alone let nobody in who does not know the secret', async () => {
  const { address } = await startReplica('a', { tlsDirectory: serviceDirectory });
  const client = await startClient(address, { tlsDirectory: callerDirectory, secret: 'x'.repeat(32) });

  await expect(client.whoAnswers({ ms: 0 })).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('wrong secret') as string });
});

test('certificates that were renewed are used without a restart, and calls go on meanwhile', async () => {
  const service = otherAuthority.issue('fixture');
  const caller = otherAuthority.issue('caller');
  const { address } = await startReplica('a', { tlsDirectory: service });
  const client = await startClient(address, { tlsDirectory: caller });
  expect(await client.echo({ text: 'before' })).toEqual({ text: 'before' });

  // All of another authority: whoever connects anew must have read them again.
  authority.issue('fixture', { directory: service });
  const newcomer = await startClient(address, { tlsDirectory: callerDirectory });
  await eventually(async () => (await codeOf(newcomer.echo({ text: 'new' }))) === 'ok');
  expect(await client.echo({ text: 'meanwhile' })).toEqual({ text: 'meanwhile' });
  authority.issue('caller', { directory: caller });
  const second = await startReplica('b', { tlsDirectory: serviceDirectory });
  const again = await startClient(second.address, { tlsDirectory: caller });

  expect(await again.whoAnswers({ ms: 0 })).toEqual({ text: 'b' });
});

test('a directory that lacks a file stops the boot of either side, and says which', async () => {
  const directory = authority.issue('fixture');
  rmSync(join(directory, 'tls.key'));

  await expect(startReplica('a', { tlsDirectory: directory })).rejects.toThrow(/must hold tls\.crt, tls\.key, ca\.crt .*tls\.key/);
  await expect(startClient('127.0.0.1:1', { tlsDirectory: directory })).rejects.toThrow(/tls\.key/);
});
