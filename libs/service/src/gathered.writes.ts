import type { Writable } from 'node:stream';

/** As much of an ioredis connection as is needed. */
interface RedisConnection {
  stream: Writable | undefined;
  sendCommand(command: never, ...rest: never[]): unknown;
}

/** Streams whose texts are joined. */
const joined = new WeakSet<Writable>();

/**
 * Lets what is sent to Redis within one turn of the event loop, for all requests that arrived in it, leave in one write to
 * the socket: each write is a system call, which costs more than the command itself. It leaves as soon as the sockets that
 * are readable have been read. Nothing waits for an answer, unlike with ioredis' own auto-pipelining, which holds a batch
 * back until the one before it has been answered.
 *
 * @param redis one connection; of a cluster, each node's
 */
export function gatherWrites(redis: object): void {
  const connection = redis as RedisConnection;
  const send = connection.sendCommand.bind(connection);
  let gathering: Writable | undefined;
  connection.sendCommand = (command, ...rest) => {
    const { stream } = connection;
    if (stream && stream !== gathering) {
      if (!joined.has(stream)) joinTexts(stream);
      gathering = stream;
      stream.cork();
      setImmediate(() => {
        if (gathering === stream) gathering = undefined;
        stream.uncork();
      });
    }
    return send(command, ...rest);
  };
}

/** Hands over all texts that were corked as one: many short ones, each with a place of its own, cost several times as much. */
function joinTexts(stream: Writable): void {
  joined.add(stream);
  const writev = stream._writev?.bind(stream);
  if (!writev) return;
  stream._writev = (chunks, done) => {
    let text = '';
    for (const { chunk } of chunks as { chunk: unknown }[]) {
      if (typeof chunk !== 'string') {
        writev(chunks, done);
        return;
      }
      text += chunk;
    }
    stream._write(text, 'utf8', done);
  };
}
