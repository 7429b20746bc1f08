import type { IncomingRecord } from '../kafka/kafka.client.ts';
import type { PartitionProgress } from './partition.progress.ts';

/** A record to be handled, and the partition to tell when it is. */
export interface Work {
  record: IncomingRecord;
  progress: PartitionProgress;
}

/** Decides what of a topic is handled when. */
export interface Runner {
  add(work: Work): void;
  /** Resolves when nothing runs any more; what has not begun by then stays unfinished. */
  stop(): Promise<void>;
}
