import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { address } from './ports.ts';

/** A span as it arrived, with the name of the service that sent it. */
export interface ReceivedSpan {
  service: string;
  name: string;
  kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  traceId: string;
  spanId: string;
  /** Empty for the first one of a trace. */
  parentSpanId: string;
  failed: boolean;
  /** Span ids of other traces' or processes' spans. */
  links: string[];
  attributes: Record<string, string | number | boolean>;
}

/** A receiver of OTLP over HTTP as JSON, for tests that look at what services really send. `GET /<trace id>` gives those of a trace. */
export interface SpanReceiver {
  readonly url: string;
  /** All that came so far. */
  readonly spans: readonly ReceivedSpan[];
  close(): Promise<void>;
}

/** Listens on a free port. */
export async function startSpanReceiver(): Promise<SpanReceiver> {
  const spans: ReceivedSpan[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await readBody(request);
    if (request.method === 'POST') spans.push(...spansOf(JSON.parse(body) as Export));
    const found = request.method === 'POST' ? {} : spans.filter(({ traceId }) => request.url === `/${traceId}`);
    response.setHeader('content-type', 'application/json').end(JSON.stringify(found));
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://${address}:${port}`,
    spans,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Attribute {
  key: string;
  value: { stringValue?: string; intValue?: number | string; doubleValue?: number; boolValue?: boolean };
}

/** The part of https://github.com/open-telemetry/opentelemetry-proto that is read here. */
interface Export {
  resourceSpans: {
    resource: { attributes: Attribute[] };
    scopeSpans: {
      spans: {
        traceId: string;
        spanId: string;
        parentSpanId?: string;
        name: string;
        kind: number;
        status?: { code?: number };
        links?: { spanId: string }[];
        attributes: Attribute[];
      }[];
    }[];
  }[];
}

const kinds = ['internal', 'internal', 'server', 'client', 'producer', 'consumer'] as const;
const errorStatus = 2;

function spansOf({ resourceSpans }: Export): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(valuesOf(resource.attributes)['service.name']);
    return scopeSpans.flatMap(({ spans }) =>
      spans.map(({ traceId, spanId, parentSpanId = '', name, kind, status, links = [], attributes }) => ({
        service,
        name,
        kind: kinds[kind] ?? 'internal',
        traceId,
        spanId,
        parentSpanId,
        failed: status?.code === errorStatus,
        links: links.map((link) => link.spanId),
        attributes: valuesOf(attributes),
      })),
    );
  });
}

function valuesOf(attributes: readonly Attribute[]): Record<string, string | number | boolean> {
  return Object.fromEntries(
    attributes.map(({ key, value: { stringValue, intValue, doubleValue, boolValue } }) => [
      key,
      stringValue ?? boolValue ?? doubleValue ?? Number(intValue),
    ]),
  );
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
