/** Milliseconds from the intended start of a request to the end of its answer. */
export interface Latencies {
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

export interface EndpointResult extends Latencies {
  endpoint: string;
  requests: number;
  errors: number;
}

/** A wrong answer, or none. */
export interface ErrorExample {
  endpoint: string;
  /** 0 when no answer came. */
  status: number;
  /** Problem detail, else the cause. */
  detail: string;
  /** How often this endpoint failed with this status. */
  count: number;
}

/** What a run measured; plain data. */
export interface LoadResult {
  /** Intended length of the run. */
  seconds: number;
  /** Answered requests per intended second. */
  rate: number;
  overall: EndpointResult;
  endpoints: EndpointResult[];
  /** Requests that were not sent, because too many were under way. */
  dropped: number;
  errors: ErrorExample[];
  /** Share of one core that the generator itself used. */
  generatorCpu: number;
  /** Worst lateness of a request's start, in milliseconds: how well the generator itself kept up. */
  latestStart: number;
}

/** One second of a run, for whoever watches. */
export interface LoadSecond {
  second: number;
  answered: number;
  errors: number;
  /** Of the errors, those by which the shop protects itself: 429 and 503. */
  refused: number;
  underWay: number;
  dropped: number;
  p95: number;
}
