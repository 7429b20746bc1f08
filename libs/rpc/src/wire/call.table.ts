import { createHash } from 'node:crypto';
import type { Call } from '@tenfold/contracts';
import { compile } from './table.compiler.ts';
import type { ReadValue, WriteValue } from './table.compiler.ts';
import { layoutOf } from './table.layout.ts';
import type { Layout } from './table.layout.ts';

/** What both sides must agree on to leave the names of members out of a call's frames. */
export interface CallTable {
  /** 48 bits of a hash over service, call and both layouts; what differs in any of them has another identity. */
  readonly id: number;
  readonly request: TableCodec;
  readonly answer: TableCodec;
  /** Items of a streamed answer. */
  readonly items: TableCodec;
  /** The layouts of the payloads alone. */
  readonly requestLayout: Layout;
  readonly responseLayout: Layout;
}

export interface TableCodec {
  write: WriteValue;
  read: ReadValue;
}

const text: Layout = { kind: 'text' };
const positions: Layout = { kind: 'nullable', of: { kind: 'list', of: objectOf({ database: text, lsn: text }) } };

const tables = new WeakMap<Call, CallTable>();

/** The table of a call, made when first asked for. */
export function tableOf(call: Call): CallTable {
  let table = tables.get(call);
  if (!table) tables.set(call, (table = makeTable(call)));
  return table;
}

function makeTable(call: Call): CallTable {
  const requestLayout = layoutOf(call.request, 'input');
  const responseLayout = layoutOf(call.response, 'output');
  const request = objectOf({
    remainingMs: { kind: 'number' },
    requestId: text,
    traceId: text,
    positions,
    payload: requestLayout,
  });
  const answer = objectOf({ positions, payload: responseLayout });
  const items: Layout = { kind: 'list', of: responseLayout };
  const identity = JSON.stringify([call.service, call.name, request, answer], (name, value: unknown) =>
    name === 'max' ? undefined : value,
  );
  return {
    id: createHash('sha256').update(identity).digest().readUIntBE(0, 6),
    request: compile(request),
    answer: compile(answer),
    items: compile(items),
    requestLayout,
    responseLayout,
  };
}

function objectOf(members: Record<string, Layout>): Layout {
  const fields = Object.entries(members).map(([name, layout]) => ({ name, layout, optional: false }));
  return { kind: 'object', fields };
}
