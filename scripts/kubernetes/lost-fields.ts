import { quantity } from './quantities.ts';

const isQuantity = (value: unknown): value is string | number => /^\d+(\.\d+)?([mkMG]|[KMG]i)?$/.test(String(value));

/** Whether a value is kept: `1000m` is told as `1`, and 20 as `20` where a quantity is wanted. */
const isKept = (wanted: unknown, got: unknown) => wanted === got || (isQuantity(wanted) && isQuantity(got) && quantity(String(wanted)) === quantity(String(got)));

/** Paths of all that was asked for and that an object, as the API server tells it, does not have or has otherwise. */
export function lostFields(wanted: unknown, got: unknown, path = ''): string[] {
  if (wanted === null) return [];
  if (typeof wanted !== 'object') return isKept(wanted, got) ? [] : [path];
  const fields = Object.entries(wanted);
  const found = (got ?? {}) as Record<string, unknown>;
  return fields.flatMap(([name, value]) => lostFields(value, found[name], `${path}/${name}`));
}
