import { defineBench } from '../frame/bench.ts';
import { tenfoldAlone } from './calls.comparison.ts';

/** For profiles of both sides, in which nothing else is: see docs/profiles.md. */
export default defineBench({
  title: 'Our calls alone: an order of 1 KB there and back, validated, 64 in flight',
  unit: 'call',
  reference: 'Tenfold',
  warmUpMs: 5000,
  roundMs: 1000,
  setUp: (surroundings) => tenfoldAlone(surroundings, 64),
});
