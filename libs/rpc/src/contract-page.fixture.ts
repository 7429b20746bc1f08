import type { Call, CallContract } from '@tenfold/contracts';
import { tableOf } from './wire/call.table.ts';
import type { Layout } from './wire/table.layout.ts';

/** The page of all calls, as Markdown. */
export function pageOf(contracts: readonly CallContract[]): string {
  const services = contracts.map(({ service, calls }) => `## ${service}\n\n${Object.values(calls).map(sectionOf).join('\n')}`);
  return `# Calls

What services ask of each other, from \`libs/contracts\`. This page is made from it: \`npm test -- libs/rpc -u\` writes it anew.
Every call may also fail with a code of the transport: [call-protocol.md](call-protocol.md#codes).

${services.join('\n')}`;
}

function sectionOf(call: Call): string {
  const { requestLayout, responseLayout, id } = tableOf(call);
  const properties = [
    call.idempotent ? 'idempotent' : 'not idempotent',
    `${call.deadlineMs} ms`,
    `priority ${call.priority}`,
    `at most ${call.statements} statements`,
    `at most ${call.maxRequestBytes} bytes asked, ${call.maxResponseBytes} answered`,
    `table \`${id.toString(16).padStart(12, '0')}\``,
  ];
  return `### ${call.service}.${call.name}

${properties.join(' · ')}

\`\`\`ts
(${typeOf(requestLayout)}) => ${call.stream ? 'stream of ' : ''}${typeOf(responseLayout)}
\`\`\`
${call.errors.length > 0 ? `Refuses with ${call.errors.map((code) => `\`${code}\``).join(', ')}.` : 'Refuses with no code of its own.'}
`;
}

function typeOf(layout: Layout): string {
  switch (layout.kind) {
    case 'text':
      return 'string';
    case 'plain':
      return 'unknown';
    case 'choice':
      return layout.values.map((value) => `'${value}'`).join(' | ');
    case 'nullable':
      return `${typeOf(layout.of)} | null`;
    case 'list': {
      const of = typeOf(layout.of);
      return of.includes(' | ') && !of.startsWith('{') ? `(${of})[]` : `${of}[]`;
    }
    case 'object':
      return `{ ${layout.fields.map(({ name, layout: of, optional }) => `${name}${optional ? '?' : ''}: ${typeOf(of)}`).join('; ')} }`;
    default:
      return layout.kind;
  }
}
