import { defineBench } from '../frame/bench.ts';
import { sidesOf } from './calls.comparison.ts';

export default defineBench({
  title: 'Calls between services: an order of 1 KB there and back, validated, 512 in flight',
  unit: 'call',
  reference: 'Tenfold',
  setUp: (surroundings) => sidesOf(surroundings, 512),
});
