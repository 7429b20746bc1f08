import { randomHex } from './random-hex.ts';
import { currentContext, runInContext } from './request.context.ts';
import type { Positions, RequestContext } from './request.context.ts';
import { formatTraceparent, parseTraceparent } from './traceparent.ts';
import type { TraceOrigin } from './traceparent.ts';

export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer';
export type AttributeValue = string | number | boolean;

/** Spans kept of one request in one process; what comes after is counted only. */
const mostSpans = 500;
const mostLinks = 100;

/** What is recorded, and where it goes. Absent while traces are off. */
interface Recording {
  /** Share of traces that are exported whatever they turn out to be, 0 to 1. */
  sampleRatio: number;
  /** Milliseconds from which one that is not sampled is exported all the same; so is a failed one. 0: neither is. */
  slowMs: number;
  export(spans: readonly Span[]): void;
}

let recording: Recording | undefined;

/** Turns recording on or, by undefined, off. */
export function record(next: Recording | undefined): void {
  recording = next;
}

/** Whether spans are recorded: for whatever has to be built differently then. */
export function isTracing(): boolean {
  return recording !== undefined;
}

/**
 * A piece of work in a trace, and the context of what happens within it. Recording one is a push to a list; what it costs
 * to describe and send it is spent only on those that are exported.
 */
export class Span implements RequestContext {
  name: string;
  readonly kind: SpanKind;
  /** What it is part of: here, or in another process. */
  readonly parent: Span | TraceOrigin | undefined;
  /** By `performance.now()`. */
  readonly startedAt: number;
  readonly requestId: string;
  readonly traceId: string;
  readonly deadline: number;
  readonly positions: Positions;
  readonly attributes: Record<string, AttributeValue> = {};
  endedAt: number | undefined;
  /** What failed, for one that did. */
  error: string | undefined;
  /** The spans on the other side of a queue. */
  links: readonly TraceOrigin[] = [];
  readonly #base: RequestContext;
  readonly #part: TracePart;
  #id: string | undefined;

  /** Made by {@link startSpan} and {@link startRootSpan}. */
  constructor(
    name: string,
    kind: SpanKind,
    context: RequestContext,
    parent: Span | TraceOrigin | undefined,
    part: TracePart,
    startedAt: number,
  ) {
    this.name = name;
    this.kind = kind;
    this.parent = parent;
    this.startedAt = startedAt;
    this.#base = context instanceof Span ? context.#base : context;
    this.#part = part;
    this.requestId = context.requestId;
    this.traceId = context.traceId;
    this.deadline = context.deadline;
    this.positions = context.positions;
  }

  get signal(): AbortSignal {
    return this.#base.signal;
  }

  get cancelled(): boolean {
    return this.#base.cancelled ?? false;
  }

  /** 16 hexadecimal digits, made when first asked for. */
  get spanId(): string {
    return (this.#id ??= randomHex(8));
  }

  /** Whether the trace is exported whatever it turns out to be. */
  get sampled(): boolean {
    return this.#part.sampled;
  }

  /** A span below this one. */
  child(name: string, kind: SpanKind): Span {
    return new Span(name, kind, this, this, this.#part, performance.now());
  }

  /** Names follow OpenTelemetry's semantic conventions where these have one. Never secrets, never personal data. */
  set(name: string, value: AttributeValue): this {
    this.attributes[name] = value;
    return this;
  }

  /** Marks it as failed. A failed root is exported even when it is not sampled. */
  fail(error: unknown): this {
    this.error = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return this;
  }

  /** Only the first time counts. The end of the root decides what becomes of all of them. */
  end(): void {
    if (this.endedAt !== undefined) return;
    this.endedAt = performance.now();
    this.#part.ended(this);
  }
}

/** What one process does of one trace: a root and all below it, exported together or not at all. */
class TracePart {
  #spans: Span[] = [];
  #beyond = 0;
  #kept: boolean | undefined;
  readonly sampled: boolean;
  root: Span | undefined;

  constructor(sampled: boolean) {
    this.sampled = sampled;
  }

  ended(span: Span): void {
    if (this.#kept !== undefined) {
      // Outlived its root, as what nobody waits for does.
      if (this.#kept) recording?.export([span]);
      return;
    }
    if (span === this.root) this.#decide(span);
    else if (this.#spans.length < mostSpans) this.#spans.push(span);
    else this.#beyond += 1;
  }

  #decide(root: Span): void {
    const slowMs = recording?.slowMs ?? 0;
    const remarkable = slowMs > 0 && (root.error !== undefined || (root.endedAt ?? 0) - root.startedAt >= slowMs);
    this.#kept = this.sampled || remarkable;
    if (this.#beyond > 0) root.set('spans.dropped', this.#beyond);
    if (!this.sampled && remarkable) root.set('sampled.by', root.error === undefined ? 'slowness' : 'failure');
    if (this.#kept) recording?.export([root, ...this.#spans]);
    this.#spans = [];
  }
}

export interface RootOptions {
  /** `traceparent` of whoever asks, if it sent one. */
  traceparent?: string | undefined;
  /** `traceparent` of those on the other side of a queue. Without a parent, it is sampled if one of them is. */
  links?: readonly (string | undefined)[];
  /** By `performance.now()`. Default now. */
  startedAt?: number;
}

/**
 * Starts what this process does for a request, call or message. It is sampled as its asker is; without one, by the trace
 * id, so that all processes decide alike.
 *
 * @returns the context to go on with; undefined while traces are off, or when nothing of it could be exported
 */
export function startRootSpan(
  name: string,
  kind: SpanKind,
  context: RequestContext,
  { traceparent, links, startedAt = performance.now() }: RootOptions = {},
): Span | undefined {
  if (!recording) return undefined;
  const origin = parseTraceparent(traceparent);
  const linked = links?.map(parseTraceparent).filter((link) => link !== undefined) ?? [];
  const sampled = origin?.sampled ?? (linked.length > 0 ? linked.some((link) => link.sampled) : isInSample(context.traceId, recording.sampleRatio));
  if (!sampled && recording.slowMs === 0) return undefined;
  const part = new TracePart(sampled);
  part.root = new Span(name, kind, context, origin, part, startedAt);
  part.root.links = linked.slice(0, mostLinks);
  return part.root;
}

/** Starts a span below the current one; undefined while traces are off, and for work that belongs to no request. */
export function startSpan(name: string, kind: SpanKind = 'internal'): Span | undefined {
  if (!recording) return undefined;
  return currentSpan()?.child(name, kind);
}

/** The span in which this happens; undefined while traces are off, and for work that belongs to no request. */
export function currentSpan(): Span | undefined {
  const context = currentContext();
  return context instanceof Span ? context : undefined;
}

/** Runs the work of a span within it, and ends it with the work; without one, just runs. */
export function inSpan<Result>(span: Span | undefined, run: () => Promise<Result>): Promise<Result> {
  return span ? runAndEnd(span, run) : run();
}

async function runAndEnd<Result>(span: Span, run: () => Promise<Result>): Promise<Result> {
  try {
    return await runInContext(span, run);
  } catch (error) {
    span.fail(error);
    throw error;
  } finally {
    span.end();
  }
}

/** A W3C `traceparent` of the context's span, for whoever is asked; undefined when it has none. */
export function traceparentOf(context: RequestContext): string | undefined {
  return context instanceof Span ? formatTraceparent(context) : undefined;
}

/** By the last eight digits, which are random in a UUID, too. */
function isInSample(traceId: string, ratio: number): boolean {
  return Number.parseInt(traceId.slice(-8), 16) < ratio * 2 ** 32;
}
