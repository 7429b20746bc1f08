import type { Dispatcher } from 'undici';
import type { PlannedRequest } from '../mix/planned-request.ts';
import type { Measurements } from './measurements.ts';

const KEPT_DETAIL = 200;

/** One request on its way: undici's lowest level, since promises and streams would double the generator's share of the CPU. */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #request: PlannedRequest;
  readonly #intended: number;
  readonly #measurements: Measurements;
  readonly #onEnd: () => void;
  #status = 0;
  #etag: string | undefined;
  #isRight = false;
  #chunks: Buffer[] | undefined;

  constructor(request: PlannedRequest, intended: number, measurements: Measurements, onEnd: () => void) {
    this.#request = request;
    this.#intended = intended;
    this.#measurements = measurements;
    this.#onEnd = onEnd;
  }

  onRequestStart(): void {}

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Record<string, string | string[] | undefined>): void {
    const { etag } = headers;
    this.#status = status;
    this.#etag = typeof etag === 'string' ? etag : undefined;
    this.#isRight = this.#request.expected.includes(status);
    this.#chunks = this.#request.readsBody || !this.#isRight ? [] : undefined;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks?.push(chunk);
  }

  onResponseEnd(): void {
    const { endpoint } = this.#request;
    this.#onEnd();
    this.#measurements.record(endpoint, performance.now() - this.#intended, !this.#isRight);
    const body = this.#chunks ? Buffer.concat(this.#chunks).toString() : '';
    if (this.#isRight) this.#request.learn?.({ status: this.#status, etag: this.#etag, body });
    else this.#measurements.explain(endpoint, this.#status, detailOf(body));
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const { endpoint } = this.#request;
    this.#onEnd();
    this.#measurements.record(endpoint, performance.now() - this.#intended, true);
    this.#measurements.explain(endpoint, 0, error.message || error.name);
  }
}

/** What a problem document (RFC 9457) says of itself, else the beginning of the body. */
function detailOf(body: string): string {
  try {
    const { title, detail, errors } = JSON.parse(body) as { title?: string; detail?: string; errors?: unknown };
    const parts = [title, detail, errors && JSON.stringify(errors)].filter(Boolean);
    return (parts.length > 0 ? parts.join(': ') : body).slice(0, KEPT_DETAIL);
  } catch {
    return body.slice(0, KEPT_DETAIL);
  }
}
