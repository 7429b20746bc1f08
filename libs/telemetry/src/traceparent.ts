/** Where a trace comes from: another process's span, and whether that one is exported. */
export interface TraceOrigin {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
}

/** W3C Trace Context, level 1: version, trace id, parent id and flags, none of them all ones or all zeros. */
const pattern = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(?:-|$)/;

const sampledFlag = 0x01;

/** What a `traceparent` says; undefined when it is none. */
export function parseTraceparent(text: string | undefined): TraceOrigin | undefined {
  const [, traceId, spanId, flags] = (text !== undefined && pattern.exec(text)) || [];
  if (!traceId || !spanId || !flags) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & sampledFlag) !== 0 };
}

export function formatTraceparent({ traceId, spanId, sampled }: TraceOrigin): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
}
