/** A tenth more or less, so that what was loaded together does not expire together. */
export function withJitter(ttlMs: number): number {
  return Math.ceil(ttlMs * (0.9 + Math.random() * 0.2));
}

export function inOrder<Value>(keys: readonly string[], values: ReadonlyMap<string, Value | undefined>): Map<string, Value> {
  const ordered = new Map<string, Value>();
  for (const key of keys) {
    const value = values.get(key);
    if (value !== undefined) ordered.set(key, value);
  }
  return ordered;
}

/** Freezes plain data to the bottom. */
export function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) return;
  Object.freeze(value);
  for (const part of Object.values(value)) freeze(part);
}
