import { deadLetterTopicOf } from '@tenfold/contracts';
import { JobsError } from '../jobs.error.ts';
import type { IncomingRecord, RecordSender } from '../kafka/kafka.client.ts';
import { KafkaSender } from '../kafka/kafkajs.sender.ts';
import { readTopic } from '../kafka/topic.reader.ts';
import { header } from '../message.headers.ts';

/** - `dead`: waits for somebody. - `replayed`: was sent again. - `discarded`: is not wanted any more. */
export type DeadLetterState = 'dead' | 'replayed' | 'discarded';

export interface DeadLetter {
  /** The message's id; `offset-<n>` of a record that has none. */
  id: string;
  topic: string;
  key: string;
  state: DeadLetterState;
  /** Attempts made. */
  attempts: number;
  /** ISO 8601. */
  failedAt: string;
  cause: string;
  stack: string;
  headers: Readonly<Record<string, string>>;
  /** As it was sent; null for a record without value. */
  payload: string | null;
}

export interface DeadLettersOptions {
  brokers: readonly string[];
  /** Topics of the messages whose dead letters are looked after. */
  topics: readonly string[];
}

/**
 * What no further attempt would help. The topic `<topic>.dead` is the whole state: a letter, and later a record that says
 * what became of it; so it can be looked after from anywhere that reaches Kafka. Whoever replays one twice has its effect
 * once, for the message keeps its id.
 */
export class DeadLetters {
  readonly #options: DeadLettersOptions;
  readonly #sender: RecordSender;

  constructor(options: DeadLettersOptions) {
    this.#options = options;
    this.#sender = new KafkaSender(options.brokers, 'dead-letters', { retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 1000 } });
  }

  /** Oldest first. @param state default `dead` */
  async list(state: DeadLetterState | 'all' = 'dead'): Promise<DeadLetter[]> {
    const ofTopics = await Promise.all(this.#options.topics.map((topic) => this.#read(topic)));
    return ofTopics
      .flat()
      .filter((letter) => state === 'all' || letter.state === state)
      .sort((one, other) => one.failedAt.localeCompare(other.failedAt));
  }

  /** @throws JobsError `unknown-dead-letter` */
  async find(id: string): Promise<DeadLetter> {
    const letter = (await this.list('all')).find((candidate) => candidate.id === id);
    if (!letter) throw new JobsError('unknown-dead-letter', `there is no dead letter ${id}`);
    return letter;
  }

  /** Sends them again, as if they came for the first time, with the ids they have. @throws JobsError `unknown-dead-letter`, `kafka-unavailable` */
  async replay(ids: readonly string[]): Promise<DeadLetter[]> {
    return this.#resolve(ids, 'replayed');
  }

  /** Takes them off the list; they stay in the topic. @throws JobsError `unknown-dead-letter`, `kafka-unavailable` */
  async discard(ids: readonly string[]): Promise<DeadLetter[]> {
    return this.#resolve(ids, 'discarded');
  }

  async close(): Promise<void> {
    await this.#sender.close();
  }

  async #resolve(ids: readonly string[], state: Exclude<DeadLetterState, 'dead'>): Promise<DeadLetter[]> {
    const dead = new Map((await this.list()).map((letter) => [letter.id, letter]));
    const letters = ids.map((id) => {
      const letter = dead.get(id);
      if (!letter) throw new JobsError('unknown-dead-letter', `${id} is no dead letter that waits`);
      return letter;
    });
    // First the message: dying in between lets it be replayed again, which does no harm.
    if (state === 'replayed') {
      await this.#sender.send(letters.map(({ topic, key, payload, headers }) => ({ topic, key, value: payload, headers: withoutFailure(headers) })));
    }
    await this.#sender.send(
      letters.map(({ id, topic, key }) => ({
        topic: deadLetterTopicOf({ topic }),
        key,
        value: null,
        headers: { [header.messageId]: id, [header.resolution]: state },
      })),
    );
    return letters.map((letter) => ({ ...letter, state }));
  }

  async #read(topic: string): Promise<DeadLetter[]> {
    const letters = new Map<string, DeadLetter>();
    for (const record of await readTopic(this.#options.brokers, deadLetterTopicOf({ topic }))) {
      const id = record.headers[header.messageId] ?? `offset-${record.offset}`;
      const resolution = record.headers[header.resolution];
      const known = letters.get(id);
      if (!resolution) letters.set(id, letterOf(id, topic, record));
      else if (known) letters.set(id, { ...known, state: resolution === 'replayed' ? 'replayed' : 'discarded' });
    }
    return [...letters.values()];
  }
}

function letterOf(id: string, topic: string, { key, value, headers }: IncomingRecord): DeadLetter {
  return {
    id,
    topic,
    key,
    state: 'dead',
    attempts: Number(headers[header.attempt] ?? 1),
    failedAt: new Date(Number(headers[header.failedAt] ?? 0)).toISOString(),
    cause: headers[header.cause] ?? '',
    stack: headers[header.stack] ?? '',
    headers,
    payload: value ?? null,
  };
}

const ofFailure: readonly string[] = [header.attempt, header.notBefore, header.originalTopic, header.cause, header.stack, header.failedAt];

function withoutFailure(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !ofFailure.includes(name)));
}
