import { integerBetween, pick, randomFrom } from '../random.ts';
import { scatter, zipfRanks } from '../zipf.ts';
import { brands, collections, colours, departments, features, materials, occasions, qualities } from './vocabulary.ts';

/** Products of a seed; their ids are 1 to this. */
export const seededProducts = (scale: number): number => Math.round(100_000 * scale);

const PRODUCT_SEED = 0x70_72_6f_64;

/** What a category sells; its id is the place in the list, from 1. */
export const kinds: readonly { name: string; kind: string }[] = Object.entries(departments).flatMap(([department, names]) =>
  names.map((kind) => ({ name: `${department}: ${kind}`, kind })),
);

export interface SeedProduct {
  id: number;
  name: string;
  description: string;
  categoryId: number;
  priceCents: number;
}

const brandRank = zipfRanks(brands.length, 0.9);
const qualityRank = zipfRanks(qualities.length, 0.9);
const materialRank = zipfRanks(materials.length, 0.7);
const collectionRank = zipfRanks(collections.length, 0.6);

/** What an order line tells of a product; cheaper than the whole of it. Always the same for an id. */
export function productHead(id: number): Omit<SeedProduct, 'description'> {
  const random = randomFrom(PRODUCT_SEED, id);
  const categoryId = 1 + ((id - 1) % kinds.length);
  const quality = qualities[qualityRank(random) - 1] ?? '';
  const material = materials[materialRank(random) - 1] ?? '';
  const brand = brands[scatter(brandRank(random), brands.length) - 1] ?? '';
  // Prices are spread over three orders of magnitude, as a shop's are: 2.99 to 1,999.99.
  const priceCents = Math.floor(3 * Math.exp(random() * Math.log(667))) * 100 - 1;
  return { id, name: `${brand} ${quality} ${material} ${kinds[categoryId - 1]?.kind ?? ''} ${modelOf(id)}`, categoryId, priceCents };
}

/** The whole product, with a description whose words are partly hot and partly rare. Always the same for an id. */
export function productAt(id: number): SeedProduct {
  const head = productHead(id);
  const random = randomFrom(PRODUCT_SEED, id, 1);
  const kind = (kinds[head.categoryId - 1]?.kind ?? '').toLowerCase();
  const collection = collections[scatter(collectionRank(random), collections.length) - 1] ?? '';
  const sentences = [
    `${article(kind)} ${kind} in ${pick(random, colours)} for ${pick(random, occasions)}, part of the ${collection} collection.`,
    `${pick(random, features)}.`,
    `${pick(random, features)}.`,
    `Weighs ${integerBetween(random, 1, 99) / 10} kg and also comes in ${pick(random, colours)}.`,
  ];
  return { ...head, description: sentences.join(' ') };
}

/** A word as unique as its product, e.g. `KD-4021`. */
function modelOf(id: number): string {
  const letters = String.fromCharCode(65 + (id % 26), 65 + ((id * 7) % 23));
  return `${letters}-${id}`;
}

function article(noun: string): 'A' | 'An' {
  return /^[aeiou]/.test(noun) ? 'An' : 'A';
}
