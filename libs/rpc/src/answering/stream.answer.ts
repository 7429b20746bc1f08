import type { IncomingCall } from './incoming.call.ts';

/** Items of a stream that travel together at most. */
const itemsPerPart = 100;

/**
 * Sends what a handler yields, in parts: a full one, or what there is when the event loop comes round. It asks the
 * handler for no more while the caller takes nothing, and leaves it at its next `yield` when the caller is gone.
 */
export async function sendStream(
  items: AsyncIterable<unknown>,
  incoming: IncomingCall,
  send: (items: unknown[]) => void,
): Promise<void> {
  let part: unknown[] = [];
  let failure: unknown;
  const flush = () => {
    if (part.length === 0 || incoming.credit === 0 || incoming.cancelled || failure !== undefined) return;
    const items = part;
    part = [];
    incoming.credit -= 1;
    try {
      send(items);
    } catch (error) {
      failure = error;
    }
  };
  for await (const item of items) {
    if (incoming.cancelled) return;
    if (part.length === 0) setImmediate(flush);
    part.push(item);
    if (part.length >= itemsPerPart) {
      await incoming.untilTaken();
      flush();
    }
    if (failure !== undefined) throw failure;
  }
  // A part that failed is empty.
  while (part.length > 0 && !incoming.cancelled) {
    await incoming.untilTaken();
    flush();
  }
  if (failure !== undefined) throw failure;
}
