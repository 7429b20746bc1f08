import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { originalPositionFor, TraceMap } from '@jridgewell/trace-mapping';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Where code stands in the sources; `file` is relative to the checkout. */
export interface SourcePlace {
  file: string;
  /** From 1. */
  line: number;
}

/**
 * Finds the sources of bundled code by the maps in `dist/apps/<service>/`. They must be of the build that runs: code
 * changed and built since is named wrongly.
 */
export class SourceMaps {
  readonly #service: string;
  readonly #maps = new Map<string, { map: TraceMap; directory: string } | undefined>();

  constructor(service: string) {
    this.#service = service;
  }

  /**
   * @param url as V8 gives it, `file:///…/dist/apps/catalog/main.js`; of a container, only its end counts
   * @param line from 0, as V8 counts
   * @returns undefined for what is in no bundle
   */
  find(url: string, line: number, column: number): SourcePlace | undefined {
    const found = this.#mapOf(url);
    if (!found) return undefined;
    const position = originalPositionFor(found.map, { line: line + 1, column });
    if (position.source === null) return undefined;
    return { file: relative(root, resolve(found.directory, position.source)), line: position.line };
  }

  #mapOf(url: string): { map: TraceMap; directory: string } | undefined {
    if (!this.#maps.has(url)) this.#maps.set(url, this.#read(url));
    return this.#maps.get(url);
  }

  #read(url: string): { map: TraceMap; directory: string } | undefined {
    const [, name] = /\/([\w.-]+\.js)$/.exec(url) ?? [];
    if (name === undefined || !url.startsWith('file:') || url.includes('/node_modules/')) return undefined;
    const files = [`${fileURLToPath(url)}.map`, join(root, 'dist/apps', this.#service, `${name}.map`)];
    const file = files.find((file) => existsSync(file));
    return file === undefined ? undefined : { map: new TraceMap(readFileSync(file, 'utf8')), directory: dirname(file) };
  }
}
