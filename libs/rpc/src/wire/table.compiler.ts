import type { Field, Layout } from './table.layout.ts';
import type { TableReader } from './table.reader.ts';
import { MisfitError } from './table.writer.ts';
import type { TableWriter } from './table.writer.ts';

export type WriteValue = (writer: TableWriter, value: unknown) => void;
export type ReadValue = (reader: TableReader) => unknown;

/**
 * Makes the functions that write and read values of one layout, as source text for its names and order: such a function
 * touches each member by name and gives all objects one hidden class, which is what makes it fast. Only names from our
 * own contracts get into the text, and only as JSON literals.
 */
export function compile(layout: Layout): { write: WriteValue; read: ReadValue } {
  const compiler = new Compiler();
  const write = compiler.writer(layout);
  const read = compiler.reader(layout);
  const source = `"use strict";${compiler.source.join('\n')}\nreturn { write: ${write}, read: ${read} };`;
  // eslint-disable-next-line no-new-func -- see above
  const make = new Function('choices', 'places', 'misfit', source) as (
    choices: readonly (readonly string[])[],
    places: readonly ReadonlyMap<string, number>[],
    misfit: typeof throwMisfit,
  ) => { write: WriteValue; read: ReadValue };
  return make(compiler.choices, compiler.places, throwMisfit);
}

class Compiler {
  readonly source: string[] = [];
  readonly choices: (readonly string[])[] = [];
  readonly places: Map<string, number>[] = [];
  #names = 0;

  /** Name of a function `(w, v)` that writes a value. */
  writer(layout: Layout): string {
    const name = this.#name('write');
    const room = `w.room(${roomOf(layout)});`;
    const body = this.#write(layout, 'v', [], room);
    this.source.push(`function ${name}(w, v) { ${room} ${body} }`);
    return name;
  }

  /** Name of a function `(r)` that reads a value. */
  reader(layout: Layout): string {
    const name = this.#name('read');
    const body = layout.kind === 'object' ? this.#readObject(layout.fields) : `return ${this.#read(layout)};`;
    this.source.push(`function ${name}(r) { ${body} }`);
    return name;
  }

  #name(prefix: string): string {
    this.#names += 1;
    return `${prefix}${this.#names}`;
  }

  #write(layout: Layout, value: string, path: readonly string[], room: string): string {
    const check = (condition: string, expected: string) =>
      `if (!(${condition})) misfit(${JSON.stringify(expected)}, ${JSON.stringify(path.join('.'))});`;
    switch (layout.kind) {
      case 'text':
        return `${check(`typeof ${value} === "string"`, 'a text')} w.text(${value});`;
      case 'number':
        return `${check(`typeof ${value} === "number"`, 'a number')} w.number(${value});`;
      case 'boolean':
        return `${check(`typeof ${value} === "boolean"`, 'a boolean')} w.byte(${value} ? 0xc3 : 0xc2);`;
      case 'plain':
        return `w.plain(${value}); ${room}`;
      case 'nullable':
        return `if (${value} === null) w.byte(0xc0); else { ${present(layout.of, 'w.byte(0xc3);')} ${this.#write(layout.of, value, path, room)} }`;
      case 'choice': {
        const place = this.#name('place');
        const index = this.places.push(new Map(layout.values.map((text, at) => [text, at]))) - 1;
        const expected = `one of ${layout.values.join(', ')}`;
        return `const ${place} = places[${index}].get(${value}); ${check(`${place} !== undefined`, expected)} w.number(${place});`;
      }
      case 'list': {
        const item = this.writer(layout.of);
        const at = this.#name('at');
        const write = `for (; ${at} < ${value}.length; ${at} += 1) ${item}(w, ${value}[${at}]);`;
        const located = `catch (error) { misfit(error, ${JSON.stringify(path.join('.'))}, ${at}); }`;
        return `${check(`Array.isArray(${value})`, 'a list')} w.number(${value}.length); let ${at} = 0; try { ${write} } ${located} ${room}`;
      }
      case 'object': {
        const members = layout.fields.map((field) => this.#writeMember(field, value, path, room));
        const isObject = check(`typeof ${value} === "object" && ${value} !== null`, 'an object');
        return `${isObject} ${members.length > 0 ? members.join(' ') : 'w.byte(0);'}`;
      }
    }
  }

  #writeMember({ name, layout, optional }: Field, object: string, path: readonly string[], room: string): string {
    const member = this.#name('member');
    const write = this.#write(layout, member, [...path, name], room);
    const absent = `if (${member} === undefined) w.byte(0xc0); else { ${present(layout, 'w.byte(0xc3);')} ${write} }`;
    return `{ const ${member} = ${object}[${JSON.stringify(name)}]; ${optional ? absent : write} }`;
  }

  #read(layout: Layout): string {
    switch (layout.kind) {
      case 'text':
      case 'number':
      case 'boolean':
      case 'plain':
        return `r.${layout.kind}()`;
      case 'choice':
        return `r.choice(choices[${this.choices.push(layout.values) - 1}])`;
      case 'nullable':
        return `(r.nil() ? null : ${this.#readPresent(layout.of)})`;
      case 'object':
        return `${this.reader(layout)}(r)`;
      case 'list': {
        const name = this.#name('list');
        const push = `r.member(); list.push(${this.#read(layout.of)});`;
        const body = `for (let at = 0; at < count; at += 1) { ${push} }`;
        this.source.push(
          `function ${name}(r) { const count = r.count(${layout.max ?? 'Infinity'}); const list = []; ${body} return list; }`,
        );
        return `${name}(r)`;
      }
    }
  }

  #readPresent(layout: Layout): string {
    return present(layout, 'r.boolean(),') === '' ? this.#read(layout) : `(r.boolean(), ${this.#read(layout)})`;
  }

  #readObject(fields: readonly Field[]): string {
    if (fields.length === 0) return 'r.number(); return {};';
    const statements = fields.map(({ layout, optional }, at) =>
      optional
        ? `const m${at} = r.nil() ? undefined : ${this.#readPresent(layout)};`
        : `const m${at} = ${this.#read(layout)};`,
    );
    const required = fields.flatMap(({ name, optional }, at) => (optional ? [] : [`${JSON.stringify(name)}: m${at}`]));
    const optional = fields.flatMap((field, at) =>
      field.optional ? [`if (m${at} !== undefined) object[${JSON.stringify(field.name)}] = m${at};`] : [],
    );
    return `${statements.join(' ')} const object = { ${required.join(', ')} }; ${optional.join(' ')} return object;`;
  }
}

/** A value whose own first byte may be nil needs a byte before it to be told from an absent one. */
function present(layout: Layout, marker: string): string {
  return mayBeginWithNil(layout) ? marker : '';
}

function mayBeginWithNil(layout: Layout): boolean {
  if (layout.kind === 'nullable') return true;
  const first = layout.kind === 'object' ? layout.fields[0] : undefined;
  return first !== undefined && (first.optional || mayBeginWithNil(first.layout));
}

/** Upper bound of the bytes of numbers up to the next list or plain part, behind which room is made again. */
function roomOf(layout: Layout): number {
  switch (layout.kind) {
    case 'nullable':
      return 2 + roomOf(layout.of);
    case 'object':
      return 1 + layout.fields.reduce((sum, field) => sum + 2 + roomOf(field.layout), 0);
    default:
      return 9;
  }
}

function throwMisfit(expected: unknown, path: string, at?: number): never {
  if (at === undefined) throw new MisfitError(String(expected), path);
  if (!(expected instanceof MisfitError)) throw expected;
  throw new MisfitError(expected.expected, [path, at, expected.path].filter((part) => part !== '').join('.'));
}
