import type { z } from 'zod';

/**
 * Terminology
 * - Message: what the outbox hands to Kafka: a job or an event.
 * - Job: work for exactly one handler; retried with the delays it declares, then put aside as a dead letter.
 * - Event: a fact that any number of services may follow, each with its own consumer group.
 * - Key: messages with one key are handled in the order in which their transactions committed.
 */
export interface Message<Payload extends z.ZodType = z.ZodType> {
  /** Kafka topic, `<service>.<what>`, e.g. `orders.send-receipt`. */
  topic: string;
  payload: Payload;
  /** Which messages must stay in order among themselves. */
  key(payload: z.output<Payload>): string;
  /** Partitions of the topic, i.e. how many consumers can share it. Default 4; raising it later moves keys. */
  partitions: number;
  /** Milliseconds before each further attempt. `[]` sends a failure to the dead letters at once. Default 1 s, 10 s, 60 s. */
  retryDelaysMs: readonly number[];
  /** Milliseconds one attempt may take before its signal aborts. Default 30,000. */
  timeoutMs: number;
  /** Who gets a free slot first where a service handles several messages. Default `normal`. */
  priority: Priority;
  /** Whether later messages of the key wait while one is tried again. Default false. */
  ordered: boolean;
  /** Of the payload: one more than there are upgrades. */
  version: number;
  /**
   * `upgrades[n - 1]` makes a payload of version n + 1 from one of version n, for what lies in Kafka when the schema
   * changes. Default none.
   */
  upgrades: readonly ((older: unknown) => unknown)[];
}

export type Priority = 'high' | 'normal' | 'low';

export interface Job<Payload extends z.ZodType = z.ZodType> extends Message<Payload> {
  kind: 'job';
}

export interface Event<Payload extends z.ZodType = z.ZodType> extends Message<Payload> {
  kind: 'event';
}

type MessageOptions<Payload extends z.ZodType> = Pick<Message<Payload>, 'topic' | 'payload' | 'key'> &
  Partial<Pick<Message, 'partitions' | 'retryDelaysMs' | 'timeoutMs' | 'priority' | 'ordered' | 'upgrades'>>;

const defaults = {
  partitions: 4,
  retryDelaysMs: [1_000, 10_000, 60_000],
  timeoutMs: 30_000,
  priority: 'normal',
  ordered: false,
  upgrades: [],
} as const;

function define<Payload extends z.ZodType>(options: MessageOptions<Payload>): Message<Payload> {
  return { ...defaults, ...options, version: (options.upgrades?.length ?? 0) + 1 };
}

/** Declares work that one service hands to another through Kafka. */
export function defineJob<Payload extends z.ZodType>(options: MessageOptions<Payload>): Job<Payload> {
  return { ...define(options), kind: 'job' };
}

/** Declares a fact that one service tells all others through Kafka. */
export function defineEvent<Payload extends z.ZodType>(options: MessageOptions<Payload>): Event<Payload> {
  return { ...define(options), kind: 'event' };
}

export type PayloadOf<M extends Message> = z.output<M['payload']>;
