/** News on a terminal: lines that stay, and one last line that is drawn anew. Elsewhere every line stays. */
export class Progress {
  readonly #stream: NodeJS.WriteStream;
  #isDrawn = false;

  constructor(stream: NodeJS.WriteStream = process.stdout) {
    this.#stream = stream;
  }

  /** Writes what stays. */
  say(text: string): void {
    this.#clear();
    this.#stream.write(`${text}\n`);
  }

  /** Writes what the next call of either method replaces. */
  show(line: string): void {
    if (!this.#stream.isTTY) return this.say(line);
    this.#clear();
    this.#stream.write(line.slice(0, this.#stream.columns - 1));
    this.#isDrawn = true;
  }

  #clear(): void {
    // Carriage return and "erase in line" (ECMA-48).
    if (this.#isDrawn) this.#stream.write('\r\u001B[K');
    this.#isDrawn = false;
  }
}
