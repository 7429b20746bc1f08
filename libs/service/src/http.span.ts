import type { Span } from '@tenfold/telemetry';

/** @param status of the answer; undefined when the client left before it */
export function endRequestSpan(span: Span, method: string, route: string, status: number | undefined): void {
  span.name = `${method} ${route}`;
  span.set('http.request.method', method).set('http.route', route);
  if (status === undefined) span.set('http.aborted', true);
  else {
    span.set('http.response.status_code', status);
    if (status >= 500) span.fail(`answered ${status}`);
  }
  span.end();
}
