import { CircuitBreaker } from '@tenfold/rpc/testing';
import { circuitBreaker, handleAll, noop, SamplingBreaker } from 'cockatiel';
import type { IPolicy } from 'cockatiel';
import { defineBench } from '../frame/bench.ts';
import type { Side } from '../frame/bench.ts';

/** Calls in flight at once, each answered in a turn of the event loop of its own: what a breaker adds to that. */
const concurrency = 64;

/** As ours: half of the calls of ten seconds, two a second at least, and a second until the first probe. */
const sampling = () => new SamplingBreaker({ threshold: 0.5, duration: 10_000, minimumRps: 2 });

export default defineBench({
  title: 'A call that is answered at once, behind a circuit breaker, 64 in flight',
  unit: 'call',
  reference: 'ours',
  goals: [{ measure: 'cpu', of: 'cockatiel', to: 'ours', atLeast: 1 }],
  async setUp() {
    return {
      none: side((call) => call()),
      ours: side(behindOurs(new CircuitBreaker())),
      cockatiel: side(behind(circuitBreaker(handleAll, { halfOpenAfter: 1000, breaker: sampling() }))),
      'cockatiel without a breaker': side(behind(noop)),
    };
  },
});

type Behind = (call: () => Promise<number>) => Promise<number>;

/** As the dispatcher of calls uses it. */
function behindOurs(breaker: CircuitBreaker): Behind {
  return async (call) => {
    if (!breaker.allow()) throw new Error('open');
    try {
      const answer = await call();
      breaker.succeeded();
      return answer;
    } catch (error) {
      breaker.failed();
      throw error;
    }
  };
}

const behind =
  (policy: IPolicy): Behind =>
  (call) =>
    policy.execute(call);

function side(guarded: Behind): Side {
  return {
    async run(units) {
      let started = 0;
      let sum = 0;
      const callOneByOne = async () => {
        while (started < units) {
          const number = started;
          started += 1;
          sum += await guarded(async () => number);
        }
      };
      await Promise.all(Array.from({ length: concurrency }, callOneByOne));
      return { result: sum };
    },
  };
}
