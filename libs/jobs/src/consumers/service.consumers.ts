import { retryTopicOf } from '@tenfold/contracts';
import type { Message } from '@tenfold/contracts';
import type { Database } from '@tenfold/database';
import { JobsError } from '../jobs.error.ts';
import { countFromZero } from '../jobs.metrics.ts';
import { ConsumerLag } from '../kafka/consumer.lag.ts';
import type { GroupMember, IncomingRecord, Place, RecordReceiver, RecordSender } from '../kafka/kafka.client.ts';
import { KafkaConsumer } from '../kafka/kafkajs.consumer.ts';
import { KafkaSender } from '../kafka/kafkajs.sender.ts';
import { header } from '../message.headers.ts';
import { BatchHandler } from './batch.handler.ts';
import { BatchRunner } from './batch.runner.ts';
import type { BatchLimits } from './batch.runner.ts';
import type { BatchDelivery, BatchFailure, Delivery } from './delivery.ts';
import { KeyedRunner } from './keyed.runner.ts';
import { MessageHandler } from './message.handler.ts';
import { PartitionProgress } from './partition.progress.ts';
import type { Runner } from './runner.ts';
import { Slots } from './slots.ts';

/** A method that handles a message; with `batch`, a list of them. */
export interface Handler {
  message: Message;
  inbox: boolean;
  tracked?: boolean;
  batch?: BatchLimits | undefined;
  run: (payload: never, delivery: never) => Promise<unknown>;
}

export interface ServiceConsumersOptions {
  /** The consumer group, the service's name. */
  group: string;
  brokers: readonly string[];
  instance: string;
  handlers: readonly Handler[];
  /** Holds the inbox, and the states of tracked jobs. */
  database: Database | undefined;
  /** Handlers that run at once in this process. */
  concurrency: number;
  /** Milliseconds that a stop waits for the handlers under way before it aborts their signals. */
  patienceMs: number;
}

/** Where the messages of a topic go, and how long they wait before. */
interface Route {
  runner: Runner;
  delayMs: number;
}

// Messages of a partition in memory: enough to keep all slots busy, little enough to hold.
const pausedFrom = 500;
const resumedFrom = 250;
const resumeIntervalMs = 100;

const placeKey = ({ topic, partition }: Place): string => `${topic}/${partition}`;

/** Everything that a service consumes: one member of one group, and a runner for each message. */
export class ServiceConsumers implements RecordReceiver {
  readonly #member: GroupMember;
  readonly #sender: RecordSender;
  readonly #lag: ConsumerLag;
  readonly #runners: Runner[] = [];
  readonly #routes = new Map<string, Route>();
  readonly #shutdown = new AbortController();
  readonly #patienceMs: number;
  readonly #delays = new Set<NodeJS.Timeout>();
  #assigned = new Map<string, PartitionProgress>();
  #resumer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** @throws JobsError `doubled-handler` */
  constructor({ group, brokers, instance, handlers, database, concurrency, patienceMs }: ServiceConsumersOptions) {
    this.#patienceMs = patienceMs;
    this.#sender = new KafkaSender(brokers, instance);
    const slots = new Slots(concurrency);
    for (const handler of handlers) {
      const { message } = handler;
      if (this.#routes.has(message.topic)) throw new JobsError('doubled-handler', `${message.topic} has more than one @Handles method`);
      const runner = this.#runnerOf(handler, database, slots);
      this.#runners.push(runner);
      countFromZero(message.topic);
      this.#routes.set(message.topic, { runner, delayMs: 0 });
      if (message.ordered) continue;
      for (const [index, delayMs] of message.retryDelaysMs.entries()) {
        this.#routes.set(retryTopicOf(message, index + 1), { runner, delayMs });
      }
    }
    const topics = [...this.#routes.keys()];
    this.#member = new KafkaConsumer({ brokers, instance, groupId: group, topics, receiver: this });
    this.#lag = new ConsumerLag({ brokers, instance, groups: [{ groupId: group, topics }] });
  }

  /** @throws Error while it is no member of its group */
  check(): void {
    if (this.#routes.size > 0) this.#member.check();
  }

  /** Returns at once; Kafka need not be there. */
  start(): void {
    if (this.#routes.size === 0) return;
    this.#member.start();
    this.#lag.start();
  }

  /** Hands back what has not begun, and what does not end in time. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#resumer);
    for (const timer of this.#delays) clearTimeout(timer);
    const cutShort = setTimeout(() => this.#shutdown.abort(), this.#patienceMs);
    await Promise.all(this.#runners.map((runner) => runner.stop()));
    clearTimeout(cutShort);
    await this.#member.stop();
    await Promise.all([this.#lag.stop(), this.#sender.close()]);
  }

  receive(place: Place, records: readonly IncomingRecord[]): void {
    const progress = this.#assigned.get(placeKey(place));
    const route = this.#routes.get(place.topic);
    if (!progress || !route || this.#stopped) return;
    for (const record of records) {
      if (!progress.accept(record.offset)) continue;
      const work = { record, progress };
      const dueInMs = untilDue(record, route.delayMs);
      if (dueInMs <= 0) route.runner.add(work);
      else this.#later(dueInMs, () => route.runner.add(work));
    }
    if (progress.pending >= pausedFrom && !progress.paused) {
      progress.paused = true;
      this.#member.pause(place);
      this.#resumer ??= setInterval(() => this.#resumePaused(), resumeIntervalMs).unref();
    }
  }

  assign(places: readonly Place[]): void {
    const before = this.#assigned;
    this.#assigned = new Map(places.map((place) => [placeKey(place), before.get(placeKey(place)) ?? new PartitionProgress(place)]));
    for (const [key, progress] of before) {
      if (this.#assigned.has(key)) continue;
      progress.lose();
      if (progress.paused) this.#member.resume(progress.place);
    }
  }

  offsets(): readonly (Place & { offset: number })[] {
    return [...this.#assigned.values()].flatMap(({ place, offset }) => (offset === undefined ? [] : [{ ...place, offset }]));
  }

  #runnerOf({ message, inbox, tracked = false, batch, run }: Handler, database: Database | undefined, slots: Slots): Runner {
    const sender = this.#sender;
    const shutdown = this.#shutdown.signal;
    if (batch && database) {
      const method = run as (payloads: readonly unknown[], delivery: BatchDelivery) => Promise<void | readonly BatchFailure[]>;
      return new BatchRunner(new BatchHandler({ message, database, sender, shutdown, run: method }), batch, slots, shutdown);
    }
    const method = run as (payload: unknown, delivery: Delivery) => Promise<unknown>;
    return new KeyedRunner(new MessageHandler({ message, inbox, tracked, database, sender, run: method }), slots, shutdown);
  }

  #later(milliseconds: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#delays.delete(timer);
      run();
    }, milliseconds).unref();
    this.#delays.add(timer);
  }

  #resumePaused(): void {
    const paused = [...this.#assigned.values()].filter((progress) => progress.paused);
    for (const progress of paused) {
      if (progress.pending > resumedFrom) continue;
      progress.paused = false;
      this.#member.resume(progress.place);
    }
    if (paused.length > 0) return;
    clearInterval(this.#resumer);
    this.#resumer = undefined;
  }
}

/** Milliseconds until the attempt; at most its delay, for the clock of whoever set the time may be ahead. */
function untilDue({ headers }: IncomingRecord, delayMs: number): number {
  return delayMs === 0 ? 0 : Math.min(Number(headers[header.notBefore] ?? 0) - Date.now(), delayMs);
}
