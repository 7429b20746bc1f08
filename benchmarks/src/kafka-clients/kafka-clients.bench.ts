import { randomUUID } from 'node:crypto';
import { defineJob } from '@tenfold/contracts';
import { ensureTopics } from '@tenfold/jobs';
import { KafkaConsumer, KafkaSender } from '@tenfold/jobs/kafka';
import type { GroupMember, Place, RecordReceiver, RecordSender } from '@tenfold/jobs/kafka';
import { z } from 'zod';
import { defineBench } from '../frame/bench.ts';
import type { Side, Surroundings } from '../frame/bench.ts';
import { PlatformaticMember, PlatformaticSender } from './platformatic.client.ts';

const perSend = 100;
const value = 'of a kibibyte of text, '.repeat(45);

interface Client {
  sender: RecordSender;
  member: (options: { brokers: readonly string[]; groupId: string; instance: string; topics: readonly string[]; receiver: RecordReceiver }) => GroupMember;
}

export default defineBench({
  title: `Records of 1 KB sent by ${perSend}, idempotent, acknowledged by all, and received by a member of a group`,
  unit: 'record',
  reference: 'kafkajs',
  servers: ['kafka'],
  rounds: 15,
  roundMs: 1000,
  warmUpMs: 3000,
  async setUp(surroundings) {
    const brokers = [surroundings.urls.kafka];
    return {
      kafkajs: await side(surroundings, 'kafkajs', { sender: new KafkaSender(brokers, 'bench'), member: (options) => new KafkaConsumer(options) }),
      '@platformatic/kafka': await side(surroundings, 'platformatic', { sender: new PlatformaticSender(brokers, 'bench'), member: (options) => new PlatformaticMember(options) }),
    };
  },
});

async function side({ urls, onEnd }: Surroundings, name: string, { sender, member: memberOf }: Client): Promise<Side> {
  const brokers = [urls.kafka];
  const job = defineJob({ topic: `bench.client-${name}`, payload: z.string(), key: () => '' });
  await ensureTopics(brokers, [job]);
  const receiver = new Receiver();
  const member = memberOf({ brokers, groupId: `bench-${name}`, instance: name, topics: [job.topic], receiver });
  member.start();
  onEnd(async () => {
    await sender.close();
    await member.stop();
  });
  const sendAndReceive = async (units: number): Promise<number> => {
    const received = receiver.expect(units);
    const began = performance.now();
    for (let first = 0; first < units; first += perSend) {
      await sender.send(
        Array.from({ length: Math.min(perSend, units - first) }, (_, index) => {
          return { topic: job.topic, key: String((first + index) % 500), value, headers: { 'message-id': randomUUID() } };
        }),
      );
    }
    const seconds = (performance.now() - began) / 1000;
    await received;
    return units / seconds;
  };
  // The first may wait for the group.
  await sendAndReceive(1);
  return {
    async run(units) {
      const sent = await sendAndReceive(units);
      return { result: { received: receiver.received, outOfOrder: receiver.outOfOrder }, measures: { 'sent/s': sent } };
    },
  };
}

/** Counts what comes, and whether each partition comes in order without a gap. */
class Receiver implements RecordReceiver {
  received = 0;
  outOfOrder = 0;
  readonly #next = new Map<number, number>();
  #expected = 0;
  #all = Promise.withResolvers<void>();

  expect(count: number): Promise<void> {
    this.received = 0;
    this.#expected = count;
    this.#all = Promise.withResolvers();
    return this.#all.promise;
  }

  receive({ partition }: Place, records: readonly { offset: number }[]): void {
    for (const { offset } of records) {
      if (offset !== (this.#next.get(partition) ?? offset)) this.outOfOrder += 1;
      this.#next.set(partition, offset + 1);
    }
    this.received += records.length;
    if (this.received >= this.#expected) this.#all.resolve();
  }

  assign(): void {}

  offsets(): readonly (Place & { offset: number })[] {
    return [];
  }
}
