import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import { Kafka, logLevel } from 'kafkajs';
import type { RetryOptions } from 'kafkajs';
import { quietRequestQueue } from './kafkajs.timers.ts';

quietRequestQueue();

const logger = new Logger('Kafka');

// While a broker is away kafkajs says so at every attempt.
const logIntervalMs = 5000;

/** Opens the connection to a broker; tests put a proxy before it. */
export type Connect = (host: string, port: number) => Socket;

export interface KafkaClientOptions {
  /** `host:port` of some brokers; the others are learned from them. */
  brokers: readonly string[];
  /** Name in the broker's logs, e.g. the replica's. */
  instance: string;
  retry: RetryOptions;
  /** Once true, what is being retried fails at its next attempt to connect. */
  isClosed?: () => boolean;
  /** Default: a TCP connection. */
  connect?: Connect | undefined;
}

export function createKafka(options: KafkaClientOptions): Kafka {
  const { brokers, instance, retry, isClosed = () => false, connect: open = (host, port) => connect({ host, port, keepAlive: true }) } = options;
  let loggedAt = -Infinity;
  return new Kafka({
    clientId: instance,
    // kafkajs retries everything but a list without brokers, and its retries cannot be cancelled otherwise.
    brokers: () => (isClosed() ? [] : [...brokers]),
    socketFactory: ({ host, port, onConnect }) => {
      const socket = open(host, port);
      socket.once('connect', onConnect);
      return socket;
    },
    connectionTimeout: 1000,
    requestTimeout: 10_000,
    retry,
    logLevel: logLevel.WARN,
    logCreator: () => ({ namespace, log: { message, error } }) => {
      // The limit is wanted, see the sender's retries.
      if (isClosed() || message.startsWith('Limiting retries') || Date.now() - loggedAt < logIntervalMs) return;
      loggedAt = Date.now();
      logger.warn(`${namespace}: ${message}${typeof error === 'string' ? `: ${error}` : ''}`);
    },
  });
}
