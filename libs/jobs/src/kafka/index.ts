/** The Kafka client behind its interface: to measure it beside others. */
export { KafkaConsumer } from './kafkajs.consumer.ts';
export { KafkaSender } from './kafkajs.sender.ts';
export type { GroupMember, IncomingRecord, OutgoingRecord, Place, RecordReceiver, RecordSender } from './kafka.client.ts';
