/** What came back, as far as a shopper needs it to go on. */
export interface Answer {
  status: number;
  /** Entity tag, for the next conditional request of the same path. */
  etag: string | undefined;
  /** Text of the body; empty unless the request {@link PlannedRequest.readsBody}. */
  body: string;
}

/** One request of the mix, for any HTTP client. */
export interface PlannedRequest {
  /** Under which its figures are reported: method and route. */
  endpoint: string;
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  headers: Record<string, string>;
  body?: string;
  /** The right answers; any other status counts as an error. */
  expected: readonly number[];
  /** Whether {@link learn} needs the body. */
  readsBody: boolean;
  /** Takes a right answer to heart: remembers a tag, a next page, a report's id. */
  learn?(answer: Answer): void;
}
