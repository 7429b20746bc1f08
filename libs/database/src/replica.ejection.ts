/** How often a node may be lost within this time before it stays out longer. */
const memoryMs = 60_000;
const firstPauseMs = 500;
const longestPauseMs = 30_000;

/**
 * When a node that was lost may have reads again: when it has replayed what the primary had when the node answered
 * again; and, if it was lost before within the last minute, after a pause that doubles each time (Envoy's outlier
 * detection grows it alike). So a node that comes and goes disturbs few reads.
 */
export class ReplicaEjection {
  #losses: number[] = [];
  #out = false;
  #returnsAt = 0;
  #target: number | undefined;

  get out(): boolean {
    return this.#out;
  }

  /** @returns whether it was in until now */
  lose(now: number): boolean {
    this.#target = undefined;
    if (this.#out) return false;
    this.#out = true;
    this.#losses = this.#losses.filter((at) => now - at < memoryMs);
    const repeated = this.#losses.length;
    this.#losses.push(now);
    this.#returnsAt = repeated === 0 ? now : now + Math.min(firstPauseMs * 2 ** (repeated - 1), longestPauseMs);
    return true;
  }

  /**
   * It has answered.
   *
   * @param bytes where it is
   * @param primaryBytes where the primary is, as far as that is known
   * @returns whether it is back with this answer
   */
  answered(now: number, bytes: number, primaryBytes: number | undefined): boolean {
    if (!this.#out) return false;
    this.#target ??= primaryBytes ?? bytes;
    if (now < this.#returnsAt || bytes < this.#target) return false;
    this.#out = false;
    return true;
  }
}
