import type { OpenAPIObject } from '@nestjs/swagger';

interface Operation {
  summary?: string;
  description?: string;
  tags?: string[];
  security?: object[];
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema?: object }[];
  requestBody?: { content: Record<string, { schema?: object }> };
  responses: Record<string, { description?: string; content?: Record<string, { schema?: object }> }>;
}

const style =
  'body{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}code,pre{font:14px/1.4 ui-monospace}' +
  'pre{background:#8881;padding:.5rem;overflow:auto}h2{border-bottom:1px solid #8884}td,th{text-align:left;vertical-align:top;padding-right:1rem}' +
  ':root{color-scheme:light dark}';

/** What the page needs beyond the headers of every answer: its own style, and no script at all. */
export const referencePolicy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/** The OpenAPI document for people: one page, without a script. */
export function referencePage({ info, paths }: OpenAPIObject): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods as Record<string, Operation>).map(([method, operation]) => sectionOf(method, path, operation)),
  );
  const title = escape(info.title);
  return (
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><style>${style}</style>` +
    `<h1>${title}</h1><p>${escape(info.description ?? '')} <a href="/openapi.json">openapi.json</a></p>${operations.join('')}</html>`
  );
}

function sectionOf(method: string, path: string, operation: Operation): string {
  const { summary = '', description = '', parameters = [], requestBody, responses, security = [] } = operation;
  const rows = (cells: string[][]) => cells.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('');
  const inputs = parameters.map((parameter) => [
    `<code>${escape(parameter.name)}</code>`,
    `${escape(parameter.in)}${parameter.required ? ', required' : ''}`,
    `${escape(parameter.description ?? '')} <code>${escape(JSON.stringify(parameter.schema ?? {}))}</code>`,
  ]);
  const answers = Object.entries(responses).map(([status, { description: text = '', content = {} }]) => [
    `<code>${escape(status)}</code>`,
    escape(text),
    status.startsWith('2') ? schemasOf(content) : '',
  ]);
  return (
    `<h2><code>${method.toUpperCase()} ${escape(path)}</code></h2><p>${escape(summary)}${security.length > 0 ? ' (log in first)' : ''}</p>` +
    (description && `<p>${escape(description)}</p>`) +
    (inputs.length > 0 ? `<table>${rows(inputs)}</table>` : '') +
    (requestBody ? `<p>Body</p>${schemasOf(requestBody.content)}` : '') +
    `<table>${rows(answers)}</table>`
  );
}

function schemasOf(content: Record<string, { schema?: object }>): string {
  return Object.entries(content)
    .map(([type, { schema }]) => `<details><summary>${escape(type)}</summary><pre>${escape(JSON.stringify(schema, undefined, 2) ?? '')}</pre></details>`)
    .join('');
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
