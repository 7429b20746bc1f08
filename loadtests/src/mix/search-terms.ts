import { pick, type Random } from '../random.ts';
import { brands, collections, departments, materials, qualities } from '../seed/vocabulary.ts';
import { zipfRanks } from '../zipf.ts';

const kinds = Object.values(departments).flat();
const kindRank = zipfRanks(kinds.length, 1);
const qualityRank = zipfRanks(qualities.length, 1);
const materialRank = zipfRanks(materials.length, 1);

/** Words as people type them: mostly a kind of thing, often with a quality, now and then a maker or a rare name. */
export function searchTerms(random: Random): string {
  const kind = kinds[kindRank(random) - 1] ?? '';
  const draw = random();
  const words =
    draw < 0.35 ? [kind]
    : draw < 0.6 ? [materials[materialRank(random) - 1], kind]
    : draw < 0.8 ? [qualities[qualityRank(random) - 1], kind]
    : draw < 0.9 ? [qualities[qualityRank(random) - 1]]
    : draw < 0.97 ? [pick(random, brands)]
    : [pick(random, collections)];
  return words.join(' ').toLowerCase();
}
