import type { Message } from './message.contract.ts';

/** A Kafka topic as it must exist. */
export interface Topic {
  topic: string;
  partitions: number;
}

/** Where the attempt after failure number `attempt` (from 1) waits for its turn. */
export function retryTopicOf(message: Pick<Message, 'topic'>, attempt: number): string {
  return `${message.topic}.retry.${attempt}`;
}

/** Where messages stay that no further attempt would help. */
export function deadLetterTopicOf(message: Pick<Message, 'topic'>): string {
  return `${message.topic}.dead`;
}

/** Every topic that a message needs: its own, one for each delay of retries, and that of its dead letters. */
export function topicsOf(message: Pick<Message, 'topic' | 'partitions' | 'retryDelaysMs' | 'ordered'>): Topic[] {
  return [
    { topic: message.topic, partitions: message.partitions },
    // An ordered message waits where it is.
    ...(message.ordered ? [] : message.retryDelaysMs).map((_, index) => ({ topic: retryTopicOf(message, index + 1), partitions: 1 })),
    { topic: deadLetterTopicOf(message), partitions: 1 },
  ];
}
