export { readTopic } from './kafka/topic.reader.ts';
export type { IncomingRecord } from './kafka/kafka.client.ts';
