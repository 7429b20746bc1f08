import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Logger } from '@nestjs/common';
import { traceparentOf } from '@tenfold/telemetry';
import type { CertificateDirectory } from '../wire/call.certificates.ts';
import { tableOf } from '../wire/call.table.ts';
import { encodeFrame, FrameError, FrameType } from '../wire/frame.codec.ts';
import type { FrameBytes } from '../wire/frame.codec.ts';
import { FrameConnection } from '../wire/frame.connection.ts';
import { encodeTableFrame } from '../wire/frame.writer.ts';
import { ClientHandshake, HandshakeError, handshakeTimeoutMs, maxHandshakeFrameBytes } from '../wire/handshake.protocol.ts';
import { OutstandingCalls } from '../wire/outstanding.calls.ts';
import { project } from '../wire/plain.projection.ts';
import { readItems, readRefusal, settleWithAnswer, settleWithRefusal } from './answer.body.ts';
import type { CallCarrier, PendingCall } from './pending.call.ts';

/** Milliseconds between looks at whether the replica is still there; after two silent ones in a row it counts as gone. */
const pingIntervalMs = 1000;

/** Milliseconds before the next attempt to connect: doubled from the first to the second, each with up to half less. */
const backoffMs = [50, 1000] as const;

/** Milliseconds without a byte, while calls wait, from which on a replica gets no further ones. */
const silentAfterMs = 500;

/** Bytes waiting to be sent over which a replica gets no further calls. */
const maxPendingBytes = 4 * 1024 * 1024;

/** Code of a refusal by a peer that does not know our table: nothing was done, and the call goes out without it. */
const unknownTable = 'unknown-table';

export interface LinkOptions {
  service: string;
  secret: string;
  /** Absent: no TLS. */
  certificates: CertificateDirectory | undefined;
  maxFrameBytes: number;
  /** Whether the replica can take calls has changed. */
  onChange: () => void;
  /** A call was refused with that code. Returns true where it goes out again, and must not be settled. */
  onRefused: (pending: PendingCall, code: string) => boolean;
  /** The connection is gone and these calls have no answer. `written` tells which may have reached the replica. */
  onLost: (calls: readonly { pending: PendingCall; written: boolean }[], reason: string) => void;
}

/** The one connection to a replica: keeps it up, and carries many calls at once. */
export class ReplicaLink implements CallCarrier {
  readonly #logger = new Logger('Calls');
  readonly #outstanding = new OutstandingCalls<PendingCall>();
  /** Calls for which this replica has another table, of another version of the contract. */
  readonly #withoutTable = new Set<string>();
  #connection: FrameConnection | undefined;
  #state: 'connecting' | 'ready' | 'draining' | 'waiting' | 'closed' = 'waiting';
  /** No longer listed: not connected again. */
  #retired = false;
  #lastId = 0;
  #failures = 0;
  #silentPings = 0;
  #receivedBefore = 0;
  #receivedBeforePing = 0;
  #silentSince: number | undefined;
  #retry: NodeJS.Timeout | undefined;
  #pings: NodeJS.Timeout | undefined;
  /** When the connection came up. */
  readySince = 0;
  /** Why the last connection failed, for messages. */
  lastFailure = 'not connected yet';

  constructor(
    readonly address: string,
    private readonly options: LinkOptions,
  ) {
    this.#connect();
  }

  get ready(): boolean {
    return this.#state === 'ready';
  }

  /** The replica does not fetch what it is sent. */
  get congested(): boolean {
    return (this.#connection?.pendingBytes ?? 0) >= maxPendingBytes;
  }

  get outstanding(): number {
    return this.#outstanding.size;
  }

  /**
   * @throws FrameError when the request is longer than it may be
   * @throws MisfitError when it does not fit the contract
   */
  send(pending: PendingCall): void {
    const id = (this.#lastId + 1) >>> 0;
    const frame = this.#encode(pending, id);
    this.#lastId = id;
    pending.attempts += 1;
    pending.sentBytes += frame.end - frame.start;
    pending.link = this;
    pending.id = id;
    this.#outstanding.add(id, pending);
    pending.sequence = this.#connection?.send(frame) ?? Infinity;
    pending.stream?.open();
  }

  /** Gives up a call, and tells the replica. */
  cancel(pending: PendingCall): void {
    if (this.#outstanding.get(pending.id) !== pending) return;
    this.#outstanding.take(pending.id);
    this.#connection?.sendEmpty(FrameType.Cancel, pending.id);
    this.#endIfDone();
  }

  /**
   * Whether calls have been waiting for half a second in which not a single byte came: the process is stopped, its event
   * loop is blocked, or the network is gone. Other replicas are better then, long before the connection is given up.
   */
  get silent(): boolean {
    return this.#silentSince !== undefined && performance.now() - this.#silentSince > silentAfterMs;
  }

  /** Looks whether anything came since the last look. */
  look(): void {
    const received = this.#connection?.receivedChunks ?? 0;
    if (received !== this.#receivedBefore || this.#outstanding.size === 0) this.#silentSince = undefined;
    else this.#silentSince ??= performance.now();
    this.#receivedBefore = received;
  }

  /** Calls that are over by their deadline, or whose caller is gone. */
  over(now: number): PendingCall[] {
    const over: PendingCall[] = [];
    for (const pending of this.#outstanding.all()) {
      if (pending.deadline <= now || pending.context.cancelled) over.push(pending);
    }
    return over;
  }

  /** Calls that may be answered by another replica as well. */
  repeatable(): PendingCall[] {
    return this.#outstanding.all().filter(({ call, stream }) => call.idempotent && !stream?.begun);
  }

  /** Asks for more parts of a stream. */
  grant(pending: PendingCall, parts: number): void {
    this.#connection?.send(encodeFrame(FrameType.Credit, pending.id, parts));
  }

  /** No new calls; the connection closes after the last answer. */
  retire(): void {
    if (this.#state === 'closed') return;
    clearTimeout(this.#retry);
    const idle = this.#outstanding.size === 0;
    this.#state = idle ? 'closed' : 'draining';
    this.#retired = true;
    if (idle) this.#connection?.destroy();
  }

  /** Closes at once; calls without an answer are lost. */
  close(): void {
    clearTimeout(this.#retry);
    this.#state = 'closed';
    this.#connection?.destroy();
  }

  #encode(pending: PendingCall, id: number): FrameBytes {
    const { call, context, deadline, request } = pending;
    const { requestId, positions } = context;
    // Where the request is traced, it carries the span as well.
    const traceId = traceparentOf(context) ?? context.traceId;
    const remainingMs = deadline - Date.now();
    const table = tableOf(call);
    pending.byTable = !this.#withoutTable.has(call.name);
    if (pending.byTable) {
      const head = { type: FrameType.Request, id, table: table.id, maxBytes: call.maxRequestBytes };
      const list = positions.size > 0 ? Array.from(positions, ([database, lsn]) => ({ database, lsn })) : null;
      return encodeTableFrame(head, table.request, { remainingMs, requestId, traceId, positions: list, payload: request });
    }
    const record = positions.size > 0 ? Object.fromEntries(positions) : null;
    const payload = project(table.requestLayout, request);
    const frame = encodeFrame(FrameType.Request, id, [call.name, remainingMs, requestId, traceId, record, payload]);
    if (frame.end > call.maxRequestBytes) throw new FrameError(`request of ${frame.end} bytes`);
    return frame;
  }

  #connect(): void {
    this.#state = 'connecting';
    this.#withoutTable.clear();
    const { service, secret, maxFrameBytes } = this.options;
    const handshake = new ClientHandshake({ service, secret });
    const socket = this.#openSocket();
    const timeout = setTimeout(() => connection.destroy(new Error('no handshake in time')), handshakeTimeoutMs);
    const connection = new FrameConnection(
      socket,
      {
        onFrame: (type, id, bytes, start, end) => {
          if (this.#state !== 'connecting') {
            this.#onFrame(type, id, bytes, start, end);
            return;
          }
          const body = bytes.subarray(start, end);
          if (type === FrameType.Hello) connection.send(handshake.prove(body));
          else if (type === FrameType.Refused) throw handshake.refusal(body);
          else if (type === FrameType.Welcome) {
            handshake.checkWelcome(body);
            clearTimeout(timeout);
            connection.maxFrameBytes = maxFrameBytes;
            this.#onConnected();
          } else throw new FrameError(`frame type ${type} before the handshake`);
        },
        onClose: (cause) => {
          clearTimeout(timeout);
          this.#onClosed(cause);
        },
      },
      maxHandshakeFrameBytes,
    );
    this.#connection = connection;
  }

  #openSocket(): Socket {
    const { service, certificates } = this.options;
    const colon = this.address.lastIndexOf(':');
    const target = { host: this.address.slice(0, colon), port: Number(this.address.slice(colon + 1)) };
    // Addresses come and go: the service's name is what the certificate must have.
    return certificates ? connectTls({ ...target, ...certificates.certificates, servername: service }) : connect(target);
  }

  #onConnected(): void {
    this.#state = 'ready';
    this.#failures = 0;
    this.#silentPings = 0;
    this.readySince = performance.now();
    this.#pings = setInterval(() => this.#ping(), pingIntervalMs).unref();
    this.options.onChange();
  }

  #ping(): void {
    const connection = this.#connection;
    if (!connection) return;
    this.#silentPings = connection.receivedChunks !== this.#receivedBeforePing ? 0 : this.#silentPings + 1;
    this.#receivedBeforePing = connection.receivedChunks;
    if (this.#silentPings >= 2) connection.destroy(new Error('no sign of life'));
    else connection.sendEmpty(FrameType.Ping);
  }

  #onFrame(type: number, id: number, bytes: Buffer, start: number, end: number): void {
    switch (type) {
      case FrameType.Answer:
        this.#settle(id, (pending) => {
          pending.receivedBytes += end - start;
          settleWithAnswer(pending, bytes, start, end);
        });
        break;
      case FrameType.Items:
        this.#onItems(id, bytes, start, end);
        break;
      case FrameType.Refusal: {
        const refusal = readRefusal(bytes, start, end);
        this.#settle(id, (pending) => {
          if (refusal.code === unknownTable && pending.byTable) this.#sendWithoutTable(pending);
          else if (!this.options.onRefused(pending, refusal.code)) settleWithRefusal(pending, refusal);
        });
        break;
      }
      case FrameType.Drain:
        this.#state = 'draining';
        this.options.onChange();
        this.#endIfDone();
        break;
      case FrameType.Pong:
        break;
      default:
        throw new FrameError(`frame type ${type}`);
    }
  }

  #onItems(id: number, bytes: Buffer, start: number, end: number): void {
    const pending = this.#outstanding.get(id);
    if (!pending) return;
    pending.receivedBytes += end - start;
    try {
      pending.stream?.push(readItems(pending, bytes, start, end));
    } catch (cause) {
      this.cancel(pending);
      pending.fail('incompatible', 'the answer cannot be read', { cause });
    }
  }

  /** Answers to calls that were given up arrive, too. */
  #settle(id: number, settle: (pending: PendingCall) => void): void {
    const pending = this.#outstanding.take(id);
    if (!pending) return;
    settle(pending);
    this.#endIfDone();
  }

  #sendWithoutTable(pending: PendingCall): void {
    const { service, name } = pending.call;
    if (!this.#withoutTable.has(name)) {
      this.#withoutTable.add(name);
      this.#logger.log({ msg: `${service}.${name} is of another version there: its frames carry names`, address: this.address });
    }
    try {
      pending.attempts -= 1;
      this.send(pending);
    } catch (cause) {
      pending.fail('bad-request', 'the request cannot be sent', { cause });
    }
  }

  #endIfDone(): void {
    if (this.#state === 'draining' && this.#outstanding.size === 0) this.#connection?.end();
  }

  #onClosed(cause: Error | undefined): void {
    clearInterval(this.#pings);
    const wasReady = this.#state === 'ready';
    const written = this.#connection?.written ?? 0;
    const lost = this.#outstanding.all().map((pending) => ({ pending, written: pending.sequence <= written }));
    this.#outstanding.clear();
    this.#connection = undefined;
    this.lastFailure = cause?.message ?? 'connection closed';
    if (cause instanceof HandshakeError && this.#failures === 0) {
      this.#logger.error({ msg: `cannot call ${this.options.service}`, address: this.address, reason: cause.message });
    } else if (wasReady && cause) {
      this.#logger.warn({ msg: `lost ${this.options.service}`, address: this.address, reason: cause.message });
    }
    if (this.#state === 'closed' || this.#retired) this.#state = 'closed';
    else {
      this.#state = 'waiting';
      const longest = Math.min(backoffMs[0] * 2 ** this.#failures, backoffMs[1]);
      this.#failures += 1;
      this.#retry = setTimeout(() => this.#connect(), longest * (0.5 + Math.random() / 2)).unref();
    }
    this.options.onChange();
    if (lost.length > 0) this.options.onLost(lost, this.lastFailure);
  }
}
