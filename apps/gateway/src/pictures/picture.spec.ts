import { readdir } from 'node:fs/promises';
import { request } from 'node:http';
import type { ClientRequest } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { customer, startGateway } from '../gateway.fixture.ts';
import type { RunningGateway } from '../gateway.fixture.ts';
import { largestPicture } from './picture.files.ts';

const servers = inject('servers');
let gateway: RunningGateway;
let browser: ReturnType<RunningGateway['browser']>;
let cookie: string;

beforeAll(async () => {
  gateway = await startGateway({ SESSION_REDIS_URL: servers.sessionRedis });
  browser = gateway.browser();
  const { headers } = await browser.post('/v1/session').send(customer).expect(201);
  cookie = headers['set-cookie']?.[0]?.split(';')[0] ?? '';
});

afterAll(async () => {
  await gateway.close();
});

/** A file of that many bytes, whose first ones are those of a PNG. */
function png(length: number, fill = 1): Buffer {
  return Buffer.concat([Buffer.from('\u0089PNG\r\n\u001A\n', 'latin1'), Buffer.alloc(length - 8, fill)]);
}

const put = (content: Buffer, type = 'image/png') => browser.put('/v1/account/picture').set('content-type', type).send(content);
const kept = async () => (await browser.get('/v1/account/picture').expect(200)).body as Buffer;
const files = () => readdir(join(gateway.objectStore, 'pictures'));

describe('the picture of an account', () => {
  it('is not found before there is one', async () => {
    await browser.get('/v1/account/picture').expect(404, /not-found/);
    await browser.delete('/v1/account/picture').expect(204);
  });

  it('comes back as it was sent, by the type that it is', async () => {
    const picture = Buffer.concat([Buffer.from('RIFF....WEBP', 'latin1'), Buffer.alloc(200_000, 7)]);
    await put(picture, 'image/jpeg').expect(204);
    const { body, headers } = await browser.get('/v1/account/picture').expect(200);
    expect(picture.equals(body as Buffer)).toBe(true);
    expect(headers).toMatchObject({ 'content-type': 'image/webp', 'content-length': '200012', 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' });
  });

  it('is replaced, and removed', async () => {
    await put(png(100)).expect(204);
    await put(png(50)).expect(204);
    expect(await kept()).toHaveLength(50);
    expect(await files()).toHaveLength(1);
    await browser.delete('/v1/account/picture').expect(204);
    await browser.get('/v1/account/picture').expect(404);
  });

  it('may be as large as the limit, and no byte larger', async () => {
    await put(png(largestPicture)).expect(204);
    await put(png(largestPicture + 1)).expect(413, /body-too-large/);
    expect(await kept()).toHaveLength(largestPicture);
  });

  it('is measured while it arrives when nobody says how long it is', async () => {
    await put(png(60)).expect(204);
    const { call, status } = startUpload();
    call.write(png(16));
    for (let sent = 0; sent <= largestPicture; sent += 65_536) call.write(Buffer.alloc(65_536));
    call.end();
    expect(await status).toBe(413);
    expect(await kept()).toHaveLength(60);
    expect(await files()).toHaveLength(1);
  });

  it.each([
    ['a script', Buffer.from('<script>alert(1)</script>')],
    ['fewer bytes than any picture has', png(11)],
    ['nothing', Buffer.alloc(0)],
  ])('is not replaced by %s', async (_, content) => {
    await put(png(70)).expect(204);
    const { body } = await put(content).expect(400);
    expect(body).toMatchObject({ type: '/problems/invalid-request', detail: 'The body is no PNG, JPEG or WebP.' });
    expect(await kept()).toHaveLength(70);
  });

  it('stays as it was when its sender breaks off', async () => {
    await put(png(80)).expect(204);
    const { call, status } = startUpload();
    call.write(png(5000));
    await expect.poll(files).toHaveLength(2);
    call.destroy();
    await expect(status).rejects.toThrow('socket hang up');
    await expect.poll(files).toHaveLength(1);
    expect(await kept()).toHaveLength(80);
  });

  it.each(['image/svg+xml', 'application/json', 'multipart/form-data; boundary=x'])('is not taken as %s', async (type) => {
    await put(png(20), type).expect(415, /unsupported-media-type/);
  });

  it('is taken by no other route', async () => {
    await browser.put('/v1/cart/items/7').set('content-type', 'image/png').send(png(20)).expect(415, /unsupported-media-type/);
  });

  it('needs somebody who is logged in', async () => {
    await gateway.browser().put('/v1/account/picture').set('content-type', 'image/png').send(png(20)).expect(401, /not-logged-in/);
  });
});

/** Begins to send a body of unknown length. */
function startUpload(): { call: ClientRequest; status: Promise<number | undefined> } {
  const { promise: status, resolve, reject } = Promise.withResolvers<number | undefined>();
  const call = request(`${gateway.url}/v1/account/picture`, { method: 'PUT', headers: { cookie, 'content-type': 'image/png' } });
  call.once('error', reject).once('response', (response) => resolve(response.resume().statusCode));
  return { call, status };
}
