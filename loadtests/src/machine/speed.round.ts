import { createHash } from 'node:crypto';

const page = JSON.stringify(
  Array.from({ length: 20 }, (_, id) => ({ id, name: `Product ${id}`, priceCents: 100 * id, description: 'as long as a line of text usually is', tags: ['a', 'b'] })),
);
const perLook = 20;

/** A page of products parsed, indexed, changed, written and hashed: what services do most of, garbage included. */
function round(): string {
  const products = JSON.parse(page) as { id: number; name: string; priceCents: number }[];
  const byName = new Map(products.map((product) => [product.name.toLowerCase(), product]));
  for (const product of byName.values()) product.priceCents += product.id;
  return createHash('sha256').update(JSON.stringify([...byName.values()])).digest('hex');
}

/** How many rounds this thread does in the time, per second of it. */
export function countRounds(milliseconds: number): number {
  const began = performance.now();
  let rounds = 0;
  while (performance.now() - began < milliseconds) {
    for (let index = 0; index < perLook; index += 1) round();
    rounds += perLook;
  }
  return (rounds * 1000) / (performance.now() - began);
}
