import { connect } from 'node:net';
import type { RequestContext } from '@tenfold/telemetry';
import type { PoolClient } from 'pg';
import { DatabaseError } from './database.error.ts';
import { commitMark } from './node.transaction.ts';

/** Milliseconds between looks at what runs, and before the server is asked again to end a statement that it did not end. */
const lookEveryMs = 20;
const askAgainMs = 250;

/** Milliseconds that the server may take to hear of it. */
const cancelTimeoutMs = 1000;

/** The code of a request to cancel, in the place of a protocol version. */
const cancelRequest = 80_877_102;

/** A connection of a pool, and what runs on it. */
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
 * Ends the statements on the connections of a pool whose time is up: one that runs is cancelled by the server. No
 * statement costs a round trip for it, and one timer looks at all of them. That a caller left before its time ends none:
 * others may wait for the same, as they do for what a cache loads.
 */
export class StatementDeadlines {
  readonly #connections = new Map<PoolClient, Connection>();
  #timer: NodeJS.Timeout | undefined;

  /** The connection of that client, noted the first time. */
  connection(client: PoolClient): Connection {
    const known = this.#connections.get(client);
    if (known) return known;
    const connection: Connection = { client, statements: 0, context: undefined, cancelling: undefined, askAgainAt: 0 };
    this.#connections.set(client, connection);
    return connection;
  }

  forget(client: PoolClient): void {
    this.#connections.delete(client);
  }

  /** A statement was sent on the connection. */
  begin(connection: Connection, context: RequestContext): void {
    this.#timer ??= setInterval(() => this.#look(), lookEveryMs).unref();
    if (connection.statements === 0) connection.askAgainAt = 0;
    connection.statements += 1;
    connection.context = context;
  }

  /**
   * A statement was answered. @returns what to wait for before the connection goes to others: until the server has heard
   * of a request to cancel, that might end another's
   */
  settle(connection: Connection): Promise<void> | undefined {
    connection.statements -= 1;
    if (connection.statements === 0) connection.context = undefined;
    return connection.cancelling;
  }

  #look(): void {
    const now = Date.now();
    let running = 0;
    for (const connection of this.#connections.values()) {
      const { client, statements, context, cancelling, askAgainAt } = connection;
      running += statements;
      if (statements === 0 || !context || cancelling || now < askAgainAt || !isOver(context)) continue;
      connection.askAgainAt = now + askAgainMs;
      connection.cancelling = cancel(client).finally(() => (connection.cancelling = undefined));
    }
    if (running > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

export function isOver({ deadline }: RequestContext): boolean {
  return Date.now() >= deadline;
}

/** Of a statement that is not begun. */
export function outOfTime(): DatabaseError {
  return new DatabaseError('deadline-exceeded', 'nobody waits for the statement any more');
}

/** These are let through: without them a connection would stay in its transaction. */
export function endsTransaction(text: string): boolean {
  return text.startsWith(commitMark) || /^\s*(COMMIT|ROLLBACK)/i.test(text);
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
