/** Lets so many loads run at once; the others wait their turn. Protects the source when everything is missing at once. */
export class LoadLimit {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(most: number) {
    this.#most = most;
  }

  async run<Answer>(load: () => Promise<Answer>): Promise<Answer> {
    if (this.#running >= this.#most) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      return await load();
    } finally {
      // Handed on rather than given back, so that nobody who comes just now gets in between.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }
}
