import { defineBench } from '../frame/bench.ts';
import { sidesOf } from './calls.comparison.ts';

export default defineBench({
  title: 'Calls between services: an order of 1 KB there and back, validated, 64 in flight',
  unit: 'call',
  reference: 'Tenfold',
  // As long as the slowest needs for some thousand calls: in a few hundred of ours a round's own cost shows.
  roundMs: 3000,
  warmUpMs: 5000,
  goals: [
    { measure: 'wall', of: 'Nest TCP', to: 'Tenfold', atLeast: 3 },
    { measure: 'wall', of: 'grpc-js', to: 'Tenfold', atLeast: 2 },
    { measure: 'wall', of: 'raw echo', to: 'Tenfold', atLeast: 0.6 },
    { measure: 'p99 ms', of: 'Tenfold', to: 'grpc-js', atMost: 0.5 },
  ],
  setUp: (surroundings) => sidesOf(surroundings, 64),
});
