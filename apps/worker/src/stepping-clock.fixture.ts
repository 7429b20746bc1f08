import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Runs in a replica before anything else: the time of day is off by what the file says, looked at ten times a second. */
const offByFile = (file: string) => `
import { readFileSync } from "node:fs";
let off = 0;
setInterval(() => { off = Number(readFileSync(${JSON.stringify(file)}, "utf8")); }, 100).unref();
const right = Date.now.bind(Date);
globalThis.Date = new Proxy(Date, {
  construct: (target, args, as) => Reflect.construct(target, args.length ? args : [right() + off], as),
  get: (target, name) => (name === "now" ? () => right() + off : Reflect.get(target, name)),
});`;

/** The clock of processes, to be put forward and back while they run. */
export class SteppingClock {
  readonly #directory = mkdtempSync(join(tmpdir(), 'tenfold-clock-'));
  readonly #file = join(this.#directory, 'off');

  constructor() {
    this.step(0);
  }

  /** Settings of the processes that go by this clock. */
  get environment(): Record<string, string> {
    return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(offByFile(this.#file))}` };
  }

  /** @param milliseconds off the right time from now on */
  step(milliseconds: number): void {
    // Never a file that is half written.
    writeFileSync(`${this.#file}.next`, String(milliseconds));
    renameSync(`${this.#file}.next`, this.#file);
  }

  close(): void {
    rmSync(this.#directory, { recursive: true });
  }
}
