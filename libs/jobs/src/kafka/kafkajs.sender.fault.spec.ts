import { randomUUID } from 'node:crypto';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { makeJob, startServers } from '../jobs.fixture.ts';
import type { TestServers } from '../jobs.fixture.ts';
import { createKafka } from './kafkajs.client.ts';
import { KafkaSender } from './kafkajs.sender.ts';

/**
 * kafkajs can acknowledge a message that was never written: a send that throws after the broker took the batch rolls the
 * producer's sequence back, and the broker takes the next batch of that size for a repetition.
 */
let servers: TestServers;
let broker: Awaited<ReturnType<typeof lossyBroker>>;

const awayMs = inject('faults') === 'full' ? 14_000 : 3000;

beforeAll(async () => {
  servers = await startServers();
  broker = await lossyBroker(inject('servers').kafka);
});

afterEach(() => broker.heal());

afterAll(async () => {
  await broker.close();
  await servers.close();
});

/** A broker that can take one more request, let its answer get lost, and then be away. */
async function lossyBroker(target: string) {
  const [host = '', port = ''] = target.split(':');
  const sockets = new Set<Socket>();
  let state: 'passes' | 'loses the next answer' | 'lost' | 'away' = 'passes';
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer((client) => {
    if (state === 'away') {
      client.destroy();
      return;
    }
    const upstream = connect(Number(port), host);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {}).once('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (bytes) => {
      upstream.write(bytes);
      if (state !== 'loses the next answer') return;
      state = 'lost';
      // The broker has long written by then.
      setTimeout(() => {
        state = 'away';
        cut();
      }, 500);
    });
    upstream.on('data', (bytes) => {
      if (state === 'passes' || state === 'loses the next answer') client.write(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const own = (server.address() as AddressInfo).port;
  return {
    connect: () => connect(own, '127.0.0.1'),
    loseNextAnswer: () => {
      state = 'loses the next answer';
    },
    heal: () => {
      state = 'passes';
    },
    close: async () => {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function valuesOf(topic: string): Promise<(string | undefined)[]> {
  return (await servers.readRecords(topic)).map(({ value }) => value);
}

const record = (topic: string, value: string) => ({ topic, key: 'a', value, headers: { 'message-id': randomUUID() } });

test('kafkajs by itself acknowledges what it has not written: the fault of these tests is the real one', async () => {
  const { topic } = await servers.withTopics(makeJob({ partitions: 1 }));
  const retry = { retries: 2, initialRetryTime: 50, maxRetryTime: 100 };
  const producer = createKafka({ brokers: servers.brokers, instance: 'test', retry, connect: broker.connect }).producer({
    idempotent: true,
    maxInFlightRequests: 1,
  });
  await producer.connect();
  const send = (value: string) => producer.send({ topic, acks: -1, messages: [{ key: 'a', value }] });
  await send('first');
  broker.loseNextAnswer();
  await expect(send('second')).rejects.toMatchObject({ name: expect.stringContaining('KafkaJS') });
  broker.heal();
  await send('third');
  expect(await valuesOf(topic)).toEqual(['first', 'second']);
  await producer.disconnect();
});

describe('a sender', () => {
  test('carries a send whose answer was lost over the outage, with the next one intact', async () => {
    const { topic } = await servers.withTopics(makeJob({ partitions: 1 }));
    const sender = new KafkaSender(servers.brokers, 'test', { connect: broker.connect });
    await sender.send([record(topic, 'first')]);
    broker.loseNextAnswer();
    const second = sender.send([record(topic, 'second')]);
    await sleep(awayMs);
    broker.heal();
    await second;
    await sender.send([record(topic, 'third')]);
    expect(await valuesOf(topic)).toEqual(['first', 'second', 'third']);
    await sender.close();
  });

  test('that gave up sends the next one by a producer of its own sequence', async () => {
    const { topic } = await servers.withTopics(makeJob({ partitions: 1 }));
    const sender = new KafkaSender(servers.brokers, 'test', { connect: broker.connect, retry: { retries: 2, initialRetryTime: 50, maxRetryTime: 100 } });
    await sender.send([record(topic, 'first')]);
    broker.loseNextAnswer();
    await expect(sender.send([record(topic, 'second')])).rejects.toMatchObject({ code: 'kafka-unavailable' });
    broker.heal();
    await sender.send([record(topic, 'third')]);
    expect(await valuesOf(topic)).toEqual(['first', 'second', 'third']);
    await sender.close();
  });
});
