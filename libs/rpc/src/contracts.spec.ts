import { readdirSync, readFileSync } from 'node:fs';
import * as exported from '@tenfold/contracts';
import type { Call, CallContract } from '@tenfold/contracts';
import { expect, test } from 'vitest';
import { pageOf } from './contract-page.fixture.ts';
import { sampleOf } from './sample.fixture.ts';
import { tableOf } from './wire/call.table.ts';
import { FrameType, headBytes, lengthBytes } from './wire/frame.codec.ts';
import { decodeTableBody, encodeTableFrame } from './wire/frame.writer.ts';
import { decodePlain, encodePlain } from './wire/plain.messagepack.ts';
import { project } from './wire/plain.projection.ts';

const isContract = (value: unknown): value is CallContract => typeof value === 'object' && value !== null && 'service' in value && 'calls' in value;
const contracts = Object.values<unknown>(exported).filter(isContract).sort((one, other) => (one.service < other.service ? -1 : 1));
const calls = contracts.flatMap(({ calls }): Call[] => Object.values(calls));
const golden = new URL('../../contracts/golden/', import.meta.url);

/** The bytes of a call, as they were when its contract was last changed. One file for each table that there ever was. */
interface Recorded {
  call: string;
  request: unknown;
  response: unknown;
  /** Bodies by table, and payloads without one; hexadecimal. */
  tableRequest: string;
  tableAnswer: string;
  plainRequest: string;
  plainResponse: string;
}

const head = { requestId: 'request-1', traceId: '0af7651916cd43dd8448eb211c80319c', remainingMs: 1500 };
const positions = [{ database: 'orders', lsn: '16/B374D848' }];

function record(call: Call): Recorded {
  const table = tableOf(call);
  const [request, response] = [sampleOf(call.request), sampleOf(call.response)];
  const bodyOf = (codec: typeof table.request, value: unknown) => {
    const frame = { type: FrameType.Request, id: 1, table: table.id, maxBytes: 100_000 };
    const { bytes, start, end } = encodeTableFrame(frame, codec, value);
    return bytes.toString('hex', start + lengthBytes + headBytes, end);
  };
  return {
    call: `${call.service}.${call.name}`,
    request,
    response,
    tableRequest: bodyOf(table.request, { ...head, positions, payload: request }),
    tableAnswer: bodyOf(table.answer, { positions, payload: response }),
    plainRequest: encodePlain(request, 0).toString('hex'),
    plainResponse: encodePlain(response, 0).toString('hex'),
  };
}

test.each(calls.map((call) => [`${call.service}.${call.name}`, call]))('the bytes of %s are those on record', async (name, call) => {
  const recorded = record(call);
  const table = tableOf(call);
  const read = (codec: typeof table.request, hex: string) => decodeTableBody(codec, Buffer.from(hex, 'hex'), 0, hex.length / 2);

  expect(read(table.request, recorded.tableRequest)).toEqual({ ...head, positions, payload: recorded.request });
  expect(read(table.answer, recorded.tableAnswer)).toEqual({ positions, payload: recorded.response });
  // A contract that has changed has another table, thus another file: keep both, for the next test.
  const file = new URL(`${name}.${table.id.toString(16).padStart(12, '0')}.json`, golden);
  await expect(`${JSON.stringify(recorded, null, 2)}\n`).toMatchFileSnapshot(file.pathname);
});

test.each(readdirSync(golden))('what is on record in %s is still understood', (file) => {
  const { call: name, plainRequest, plainResponse } = JSON.parse(readFileSync(new URL(file, golden), 'utf8')) as Recorded;
  const call = calls.find((candidate) => `${candidate.service}.${candidate.name}` === name);
  if (!call) throw new Error(`${name} is gone: remove ${file} when no caller has it any more`);
  const decode = (hex: string) => decodePlain(Buffer.from(hex, 'hex'), 0, hex.length / 2);

  // An older caller's request, and an older service's answer.
  expect(call.request.safeParse(decode(plainRequest)).error).toBeUndefined();
  expect(() => project(tableOf(call).responseLayout, decode(plainResponse))).not.toThrow();
});

test('the page of all calls is what the contracts say', async () => {
  await expect(pageOf(contracts)).toMatchFileSnapshot(new URL('../../../docs/calls.md', import.meta.url).pathname);
});
