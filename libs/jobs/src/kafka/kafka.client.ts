/** What this library asks of a Kafka client: what another client would have to bring. Headers are text. */
export type Headers = Record<string, string>;

/** A partition of a topic. */
export interface Place {
  topic: string;
  partition: number;
}

export interface OutgoingRecord {
  topic: string;
  /** Records of one key go to one partition, in the order given. */
  key: string;
  value: string | null;
  headers: Headers;
}

export interface IncomingRecord extends Place {
  offset: number;
  key: string;
  /** As text; undefined when the record has none. */
  value: string | undefined;
  headers: Headers;
}

export interface RecordSender {
  /** Waits for Kafka, up to a minute. @throws JobsError `kafka-unavailable` */
  connect(): Promise<void>;
  /** Resolves when all replicas in sync have all of the records. @throws JobsError `kafka-unavailable`, after up to a minute */
  send(records: readonly OutgoingRecord[]): Promise<void>;
  close(): Promise<void>;
}

/** Whom a consumer tells. */
export interface RecordReceiver {
  /**
   * Records of one place, in order. Returns at once; what comes too fast is held back by `pause`.
   *
   * @param end offset after the last record that the broker has
   */
  receive(place: Place, records: readonly IncomingRecord[], end: number): void;
  /** The places that this member has from now on; after each, reading begins at the committed offset. */
  assign(places: readonly Place[]): void;
  /** The offsets to commit now: for each place that of the first record not finished with. */
  offsets(): readonly (Place & { offset: number })[];
}

/** A member of a consumer group that joins in the background, and again after whatever breaks it. */
export interface GroupMember {
  start(): void;
  pause(place: Place): void;
  resume(place: Place): void;
  /** @throws Error while it is no member of its group */
  check(): void;
  /** Commits the offsets and leaves the group. */
  stop(): Promise<void>;
}
