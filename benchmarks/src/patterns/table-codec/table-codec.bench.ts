import { tableCodecOf } from '@tenfold/rpc/testing';
import { order, orderOf } from '../../calls/order.contract.ts';
import { defineBench } from '../../frame/bench.ts';
import type { Side } from '../../frame/bench.ts';

const sent = orderOf(7);
const text = JSON.stringify(sent);

/** There and back, checked by the schema. */
function side(trip: () => { bytes: number; value: unknown }): Side {
  return {
    run(units) {
      let bytes = 0;
      let value: unknown;
      for (let unit = 0; unit < units; unit += 1) ({ bytes, value } = trip());
      if (JSON.stringify(value) !== text) throw new Error('the order does not come back as it was');
      return { result: units, measures: { bytes } };
    },
  };
}

export default defineBench({
  title: 'An order of 1 KB, written and read with its check: MessagePack by the table of its contract, and JSON with zod',
  unit: 'order',
  reference: 'without',
  goals: [
    { measure: 'bytes', of: 'with', to: 'without', atMost: 0.6 },
    { measure: 'cpu', of: 'with', to: 'without', atMost: 0.67 },
  ],
  setUp() {
    const codec = tableCodecOf(order);
    return {
      with: side(() => {
        const frame = codec.encode(sent);
        return { bytes: frame.end - frame.start, value: codec.decode(frame) };
      }),
      without: side(() => {
        const bytes = Buffer.from(JSON.stringify(sent));
        return { bytes: bytes.length, value: order.parse(JSON.parse(bytes.toString())) };
      }),
    };
  },
});
