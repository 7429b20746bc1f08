import { Consumer, MessagesStreamFallbackModes, MessagesStreamModes, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka';
import type { MessagesStream } from '@platformatic/kafka';
import type { GroupMember, OutgoingRecord, Place, RecordReceiver, RecordSender } from '@tenfold/jobs/kafka';

/** `@platformatic/kafka` behind the interface of the jobs library. */
export class PlatformaticSender implements RecordSender {
  readonly #producer: Producer<string, string, string, string>;

  constructor(brokers: readonly string[], clientId: string) {
    // Idempotent, it has one request under way and tries again without an end.
    this.#producer = new Producer({ clientId, bootstrapBrokers: [...brokers], serializers: stringSerializers, idempotent: true });
  }

  async connect(): Promise<void> {
    await this.#producer.connectToBrokers();
  }

  async send(records: readonly OutgoingRecord[]): Promise<void> {
    await this.#producer.send({
      messages: records.map(({ topic, key, value, headers }) => ({ topic, key, headers, ...(value !== null && { value }) })),
    });
  }

  async close(): Promise<void> {
    await this.#producer.close();
  }
}

export interface PlatformaticMemberOptions {
  brokers: readonly string[];
  groupId: string;
  instance: string;
  topics: readonly string[];
  receiver: RecordReceiver;
}

export class PlatformaticMember implements GroupMember {
  readonly #options: PlatformaticMemberOptions;
  readonly #consumer: Consumer<string, string, string, string>;
  readonly #paused = new Set<string>();
  #stream: MessagesStream<string, string, string, string> | undefined;

  constructor(options: PlatformaticMemberOptions) {
    this.#options = options;
    const { brokers, groupId, instance, receiver } = options;
    this.#consumer = new Consumer({
      clientId: instance,
      groupId,
      bootstrapBrokers: [...brokers],
      deserializers: stringDeserializers,
      autocommit: false,
      sessionTimeout: 6000,
      rebalanceTimeout: 6000,
      heartbeatInterval: 1000,
      maxWaitTime: 300,
    });
    this.#consumer.on('consumer:group:join', ({ assignments = [] }) => {
      receiver.assign(assignments.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition }))));
    });
  }

  start(): void {
    void this.#start();
  }

  /** All of the partitions: a stream has no pause for one. */
  pause({ topic, partition }: Place): void {
    this.#paused.add(`${topic}/${partition}`);
    this.#stream?.pause();
  }

  resume({ topic, partition }: Place): void {
    this.#paused.delete(`${topic}/${partition}`);
    if (this.#paused.size === 0) this.#stream?.resume();
  }

  check(): void {
    if (!this.#consumer.isActive()) throw new Error(`${this.#options.groupId} does not consume`);
  }

  async stop(): Promise<void> {
    const offsets = this.#options.receiver.offsets().map((place) => ({ ...place, offset: BigInt(place.offset), leaderEpoch: -1 }));
    if (offsets.length > 0) await this.#consumer.commit({ offsets });
    await this.#stream?.close();
    await this.#consumer.close();
  }

  async #start(): Promise<void> {
    const { topics, receiver } = this.#options;
    this.#stream = await this.#consumer.consume({ topics: [...topics], mode: MessagesStreamModes.COMMITTED, fallbackMode: MessagesStreamFallbackModes.EARLIEST });
    this.#stream.on('data', ({ topic, partition, offset, key, value, headers }) => {
      receiver.receive({ topic, partition }, [{ topic, partition, offset: Number(offset), key, value, headers: Object.fromEntries(headers) }], 0);
    });
  }
}
