import type { EntityManager } from 'typeorm';
import type { Progress } from '../states/tracked.run.ts';

/** What a handler gets beside the payload. */
export interface Delivery {
  /** Marks the message as handled when it commits: effects made in it happen once, however often Kafka delivers. */
  tx: EntityManager;
  /** Aborts at the message's `timeoutMs`, when the message is handed to another replica, and when a shutdown can wait no longer. */
  signal: AbortSignal;
  /** The same in every delivery; pass it on where an effect outside of the database can be made idempotent by it. */
  messageId: string;
  /** 1 for the first. */
  attempt: number;
}

/** For a handler without inbox mark: it may run twice for one message. */
export type UnmarkedDelivery = Omit<Delivery, 'tx'>;

/** For a tracked job: it may run more than once, and goes on from what was saved last. */
export interface TrackedDelivery extends UnmarkedDelivery {
  /** What an earlier run saved last; null for the first. */
  checkpoint: unknown;
  /**
   * Shows how far the job is, and saves from where another run would go on. One UPDATE.
   *
   * @throws JobsError `superseded`: cancelled, or another process runs it; end without a further effect
   */
  save(progress: Progress): Promise<void>;
}

/** What a handler of batches gets beside the payloads. */
export interface BatchDelivery {
  /** Marks all messages of the batch as handled when it commits. */
  tx: EntityManager;
  signal: AbortSignal;
  /** In the order of the payloads. */
  messages: readonly Pick<Delivery, 'messageId' | 'attempt'>[];
}

/** A message of the batch that failed while the others did not. */
export interface BatchFailure {
  /** Its place among the payloads. */
  index: number;
  error: unknown;
}
