import { randomUUID } from 'node:crypto';
import { registry } from '@tenfold/telemetry';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConsumerLag } from './consumer.lag.ts';
import type { Place, RecordReceiver } from './kafka.client.ts';
import { makeJob, startServers } from '../jobs.fixture.ts';
import type { TestServers } from '../jobs.fixture.ts';
import { KafkaConsumer } from './kafkajs.consumer.ts';
import { KafkaSender } from './kafkajs.sender.ts';

let servers: TestServers;
let sender: KafkaSender;

beforeAll(async () => {
  servers = await startServers();
  sender = new KafkaSender(servers.brokers, 'test');
});

afterAll(async () => {
  await sender.close();
  await servers.close();
});

test('the lag of a group counts what it has not handled, while it does not run as well', async () => {
  const { topic } = await servers.withTopics(makeJob());
  const groupId = `test.${randomUUID()}`;
  const lag = new ConsumerLag({ brokers: servers.brokers, instance: 'test', groups: [{ groupId, topics: [topic] }], intervalMs: 200 });
  const read = new Map<string, Place & { offset: number }>();
  const receiver: RecordReceiver = {
    receive: (place, _records, end) => read.set(`${place.topic}/${place.partition}`, { ...place, offset: end }),
    assign: () => {},
    offsets: () => [...read.values()],
  };
  const consumer = new KafkaConsumer({ brokers: servers.brokers, instance: 'test', groupId, topics: [topic], receiver });
  const measured = async () => {
    const text = await registry.getSingleMetricAsString('kafka_consumer_lag');
    return text.split('\n').find((line) => line.includes(groupId))?.split(' ').at(-1);
  };
  const records = Array.from({ length: 7 }, (_, index) => ({ topic, key: `key-${index}`, value: 'x', headers: {} }));
  try {
    await sender.send(records);
    lag.start();
    await expect.poll(measured).toBe('7');

    consumer.start();
    await expect.poll(measured).toBe('0');
  } finally {
    await Promise.all([consumer.stop(), lag.stop()]);
  }

  expect(await registry.getSingleMetricAsString('kafka_produced_total')).toContain(`kafka_produced_total{topic="${topic}"} 7`);
  expect(await registry.getSingleMetricAsString('kafka_produce_duration_seconds')).toMatch(/_count\{outcome="ok"\} [1-9]/);
});
