import { defineBench } from '../frame/bench.ts';
import { sidesOf } from './calls.comparison.ts';

export default defineBench({
  title: 'Calls between services: 100 orders of 1 KB in one call, validated, four in flight',
  unit: 'call',
  reference: 'Tenfold',
  setUp: (surroundings) => sidesOf(surroundings, 4, 100),
});
