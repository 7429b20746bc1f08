const units: Record<string, number> = { '': 1, m: 0.001, k: 1e3, M: 1e6, G: 1e9, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 };

/**
 * What a quantity of Kubernetes stands for: `250m` is 0.25, `448Mi` that many bytes.
 *
 * @throws Error when it is none
 */
export function quantity(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)([a-zA-Z]*)$/.exec(text) ?? [];
  const factor = units[unit];
  if (number === undefined || factor === undefined) throw new Error(`"${text}" is no quantity`);
  return Number(number) * factor;
}
