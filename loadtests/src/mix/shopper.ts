import type { PlannedRequest } from './planned-request.ts';

/** As many pages as a shopper's browser keeps. */
const KEPT_PAGES = 50;

interface RequestOptions {
  expected: number;
  headers?: Record<string, string>;
  /** Sent as JSON; else {@link body}, if there is one. */
  json?: unknown;
  body?: string;
  /** Reads the body of a right answer; `onRight` does without it. At most one of them. */
  onBody?: (body: string) => void;
  onRight?: () => void;
}

/** One browser: with the session of somebody who is logged in, or of nobody. */
export class Shopper {
  /** Where the list that was seen last goes on. */
  nextPage: string | undefined;
  /** Epoch milliseconds before which this one does nothing, if others can. */
  thinksUntil = 0;
  /** Whether a picture of this one was taken. */
  hasPicture = false;
  /** Products put into the cart and not taken out again. */
  readonly cart = new Set<number>();
  readonly #headers: Readonly<Record<string, string>>;
  readonly #tags = new Map<string, string>();

  /** @param cookie `name=value` of the session; undefined for a guest */
  constructor(cookie?: string) {
    this.#headers = cookie === undefined ? {} : { cookie };
  }

  /** A page that browsers keep: asked for again, it is asked for conditionally (RFC 9110, section 13). */
  page(endpoint: string, path: string, onBody?: (body: string) => void): PlannedRequest {
    const tag = this.#tags.get(path);
    return {
      endpoint,
      method: 'GET',
      path,
      headers: tag === undefined ? { ...this.#headers } : { ...this.#headers, 'if-none-match': tag },
      expected: tag === undefined ? [200] : [200, 304],
      readsBody: onBody !== undefined,
      learn: ({ status, etag, body }) => {
        if (etag !== undefined) this.#remember(path, etag);
        if (status === 200) onBody?.(body);
      },
    };
  }

  /** Anything that browsers do not keep. */
  request(
    endpoint: string,
    method: PlannedRequest['method'],
    path: string,
    options: RequestOptions,
  ): PlannedRequest {
    const { expected, json, headers, onBody, onRight } = options;
    const body = json === undefined ? options.body : JSON.stringify(json);
    return {
      endpoint,
      method,
      path,
      headers: { ...this.#headers, ...(json === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body }),
      expected: [expected],
      readsBody: onBody !== undefined,
      ...(onBody && { learn: ({ body }) => onBody(body) }),
      ...(onRight && { learn: onRight }),
    };
  }

  #remember(path: string, tag: string): void {
    this.#tags.delete(path);
    this.#tags.set(path, tag);
    if (this.#tags.size > KEPT_PAGES) this.#tags.delete(this.#tags.keys().next().value ?? '');
  }
}
