import { connect } from 'node:net';
import { currentContext } from '@tenfold/telemetry';
import type { RequestContext } from '@tenfold/telemetry';
import type { Pool, PoolClient } from 'pg';
import { DatabaseError } from './database.error.ts';

/** Milliseconds between looks at what runs, and before the server is asked again to end a statement that it did not end. */
const lookEveryMs = 20;
const askAgainMs = 250;

/** Milliseconds that the server may take to hear of it. */
const cancelTimeoutMs = 1000;

/** The code of a request to cancel, in the place of a protocol version. */
const cancelRequest = 80_877_102;

/** A connection of the pool, and what runs on it. */
interface Connection {
  client: PoolClient;
  statements: number;
  /** In which they run. */
  context: RequestContext | undefined;
  /** The server is being asked to end it. */
  cancelling: Promise<void> | undefined;
  askAgainAt: number;
}

/**
 * Ends the statements on the connections of the pool whose time is up: none is begun, and one that runs is cancelled by
 * the server. No statement costs a round trip for it, and one timer looks at all of them. That a caller left before its
 * time ends none: others may wait for the same, as they do for what a cache loads.
 */
export function endStatementsInTime(pool: Pool): void {
  const connections = new Map<PoolClient, Connection>();
  let timer: NodeJS.Timeout | undefined;
  const look = () => {
    const now = Date.now();
    let running = 0;
    for (const connection of connections.values()) {
      const { client, statements, context, cancelling, askAgainAt } = connection;
      running += statements;
      if (statements === 0 || !context || cancelling || now < askAgainAt || !isOver(context)) continue;
      connection.askAgainAt = now + askAgainMs;
      connection.cancelling = cancel(client).finally(() => (connection.cancelling = undefined));
    }
    if (running > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
  pool.on('remove', (client) => connections.delete(client));
  pool.on('connect', (client) => {
    const connection: Connection = { client, statements: 0, context: undefined, cancelling: undefined, askAgainAt: 0 };
    connections.set(client, connection);
    const query = client.query.bind(client) as (...parameters: unknown[]) => unknown;
    const endedInTime = (...parameters: unknown[]) => {
      const context = currentContext();
      if (!context || endsTransaction(parameters[0])) return query(...parameters);
      if (isOver(context)) return Promise.reject(new DatabaseError('deadline-exceeded', 'nobody waits for the statement any more'));
      const answer = query(...parameters);
      if (!(answer instanceof Promise)) return answer;
      timer ??= setInterval(look, lookEveryMs).unref();
      if (connection.statements === 0) connection.askAgainAt = 0;
      connection.statements += 1;
      connection.context = context;
      // Until the server has heard of it, the connection stays with those whose statement it was: it might end another.
      const settle = (): Promise<void> | undefined => {
        connection.statements -= 1;
        if (connection.statements === 0) connection.context = undefined;
        return connection.cancelling;
      };
      return answer.then(
        (result: unknown) => settle()?.then(() => result) ?? result,
        async (error: unknown) => {
          await settle();
          throw error;
        },
      );
    };
    client.query = endedInTime as PoolClient['query'];
  });
}

function isOver({ deadline }: RequestContext): boolean {
  return Date.now() >= deadline;
}

/** These are let through: without them a connection would stay in its transaction. */
function endsTransaction(statement: unknown): boolean {
  return typeof statement === 'string' && /^\s*(COMMIT|ROLLBACK)/i.test(statement);
}

/**
 * Asks the server, by a connection of its own, to end what runs on that of `client`; resolves when it has heard of it.
 * PgBouncer hands it on to the server that it has given the client for the transaction.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS
 */
function cancel(client: PoolClient): Promise<void> {
  const { host, port, processID, secretKey } = client as PoolClient & { host: string; port: number; processID: number; secretKey: number };
  const request = Buffer.alloc(16);
  for (const [index, value] of [request.length, cancelRequest, processID, secretKey].entries()) request.writeInt32BE(value, 4 * index);
  return new Promise((resolve) => {
    const socket = connect(port, host, () => socket.write(request));
    socket.setTimeout(cancelTimeoutMs, () => socket.destroy());
    // It is asked again.
    socket.on('error', () => {}).on('close', () => resolve());
    socket.resume();
  });
}
