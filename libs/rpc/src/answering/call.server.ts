import { createServer } from 'node:net';
import type { Server as NetServer, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { Server } from '@nestjs/microservices';
import type { CustomTransportStrategy, MessageHandler } from '@nestjs/microservices';
import type { Call, CallContract } from '@tenfold/contracts';
import { Admission } from '@tenfold/service';
import { counter, gauge, histogram, runInContext, startRootSpan } from '@tenfold/telemetry';
import type { Span } from '@tenfold/telemetry';
import { firstValueFrom, isObservable } from 'rxjs';
import { patternOf } from './answers.decorator.ts';
import { CallError } from '../call.error.ts';
import { callSpanName, endCallSpan } from '../call.span.ts';
import { CertificateDirectory } from '../wire/call.certificates.ts';
import { tableOf } from '../wire/call.table.ts';
import type { CallTable } from '../wire/call.table.ts';
import { tableIdOf } from '../wire/frame.writer.ts';
import { handshakeTimeoutMs } from '../wire/handshake.protocol.ts';
import { decodePlain } from '../wire/plain.messagepack.ts';
import { refusalOf, type Refusal } from './call.refusal.ts';
import { CallerConnection, recordOf } from './caller.connection.ts';
import type { IncomingCall } from './incoming.call.ts';
import { readPlainRequest, readTableRequest } from './request.body.ts';
import { requestCheckOf } from './request.check.ts';
import { sendStream } from './stream.answer.ts';

export interface CallServerConfig {
  HOST: string;
  CALLS_PORT: number;
  CALLS_SECRET: string;
  /** Of `tls.crt`, `tls.key` and `ca.crt`. Absent: no TLS. */
  CALLS_TLS_DIRECTORY?: string | undefined;
}

export interface CallServerOptions {
  /**
   * Calls in work at once, at most. Usually it is fewer: the limit follows latency. Further ones wait shortly or are
   * refused with `overloaded`. Default 1000.
   */
  maxInFlight?: number;
  /** Milliseconds that callers have, on close, to fetch their answers and leave. Default 10,000. */
  closeTimeoutMs?: number;
}

/** When an overloaded server may be asked again, in milliseconds. */
const overloadedRetryAfterMs = 100;

/** Bytes that a request takes beside its payload, at most. */
const headBytes = 4096;

/** Milliseconds after which a caller that says nothing or takes nothing is cut off, twice that at most. */
const silenceMs = 10_000;

/** Outcomes whose latency says nothing of how busy this service is. */
const saysNothing = new Set(['cancelled', 'deadline-exceeded', 'overloaded', 'unavailable', 'internal', 'bad-request']);

interface Endpoint {
  call: Call;
  table: CallTable;
  maxResponseBytes: number;
  handler: MessageHandler;
  check: (incoming: IncomingCall) => unknown;
  recorders: Map<string, { observe(seconds: number): void }>;
}

/** Nest transport that answers the calls of one contract; made by {@link callServer}. */
export class CallServer extends Server implements CustomTransportStrategy {
  readonly #contract: CallContract;
  readonly #config: CallServerConfig;
  readonly #options: Required<CallServerOptions>;
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #byTable = new Map<number, Endpoint>();
  readonly #callers = new Set<CallerConnection>();
  readonly #duration = histogram({
    name: 'call_server_duration_seconds',
    help: 'Time from a request to its answer.',
    labelNames: ['call', 'code'],
  });
  readonly #refused = counter({
    name: 'call_server_refused_total',
    help: 'Requests refused before they became a call: overloaded, bad-request, incompatible.',
    labelNames: ['code'],
  });
  readonly #admission: Admission;
  #listener: NetServer | undefined;
  #certificates: CertificateDirectory | undefined;
  #silenceTimer: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;
  #inFlight = 0;

  constructor(contract: CallContract, config: CallServerConfig, options: CallServerOptions) {
    super();
    this.#contract = contract;
    this.#config = config;
    this.#options = { maxInFlight: 1000, closeTimeoutMs: 10_000, ...options };
    const { maxInFlight: max } = this.#options;
    this.#admission = new Admission({ kind: 'calls', max, initial: Math.min(max, 100), min: Math.min(max, 32) });
    for (const code of ['overloaded', 'bad-request', 'incompatible']) this.#refused.inc({ code }, 0);
    gauge({
      name: 'call_server_in_flight',
      help: 'Calls in work.',
      collect: (metric) => metric.set(this.#inFlight),
    });
  }

  /** @throws Error when the contract has no such call, or the call a handler already: the boot stops */
  override addHandler(pattern: unknown, handler: MessageHandler, isEventHandler = false): void {
    const { service, calls } = this.#contract;
    const call = Object.values(calls).find((candidate) => patternOf(candidate) === pattern);
    if (!call || isEventHandler) throw new Error(`${String(pattern)} is no call of the contract ${service}`);
    if (this.#endpoints.has(call.name)) throw new Error(`The call ${String(pattern)} has two handlers`);
    const table = tableOf(call);
    const endpoint = { call, table, maxResponseBytes: call.maxResponseBytes, handler, check: requestCheckOf(call), recorders: new Map() };
    this.#endpoints.set(call.name, endpoint);
    this.#byTable.set(table.id, endpoint);
    super.addHandler(pattern, handler);
  }

  override listen(callback: (error?: unknown) => void): void {
    const missing = Object.values(this.#contract.calls).filter(({ name }) => !this.#endpoints.has(name));
    if (missing.length > 0) {
      const names = missing.map((call) => patternOf(call)).join(', ');
      callback(new Error(`Calls without a handler: ${names}. Add a method with @Answers for each`));
      return;
    }
    const maxFrameBytes = headBytes + Math.max(0, ...[...this.#endpoints.values()].map(({ call }) => call.maxRequestBytes));
    const onSocket = (socket: Socket) => {
      const caller = new CallerConnection(socket, {
        service: this.#contract.service,
        secret: this.#config.CALLS_SECRET,
        maxFrameBytes,
        onRequest: this.#onRequest,
        onClose: this.#onCallerClosed,
      });
      this.#callers.add(caller);
    };
    let listener: NetServer;
    try {
      listener = this.#createListener(onSocket);
    } catch (error) {
      callback(error);
      return;
    }
    this.#listener = listener;
    listener.once('error', callback);
    listener.listen(this.#config.CALLS_PORT, this.#config.HOST, () => {
      listener.off('error', callback);
      listener.on('error', (error) => this.logger.error(error));
      // After what has come in meanwhile: a turn that took long is no caller's fault.
      this.#silenceTimer = setInterval(() => setImmediate(this.#cutOffSilent), silenceMs);
      callback();
    });
  }

  /** Takes no new connections, asks callers for no more requests, and resolves when all of them have left. */
  override close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  override on(): never {
    throw new Error('Calls have no events to listen to');
  }

  override unwrap<T>(): T {
    return this.#listener as T;
  }

  #createListener(onSocket: (socket: Socket) => void): NetServer {
    const { CALLS_TLS_DIRECTORY: directory } = this.#config;
    if (directory === undefined) return createServer(onSocket);
    const refuse = (socket: TLSSocket, reason: string) => {
      this.logger.warn({ msg: 'a caller was refused', address: socket.remoteAddress, reason });
      socket.destroy();
    };
    const certificates = new CertificateDirectory(directory, (changed) => listener.setSecureContext(changed));
    this.#certificates = certificates;
    // Node itself would close the connection without a word in the log.
    const options = { ...certificates.certificates, requestCert: true, rejectUnauthorized: false, handshakeTimeout: handshakeTimeoutMs };
    const listener = createTlsServer(options, (socket) => {
      if (socket.authorized) onSocket(socket);
      else refuse(socket, `no valid certificate: ${String(socket.authorizationError)}`);
    });
    listener.on('tlsClientError', (error, socket) => refuse(socket, error.message));
    return listener;
  }

  async #close(): Promise<void> {
    const listener = this.#listener;
    if (!listener) return;
    this.#certificates?.close();
    const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
    for (const caller of this.#callers) caller.drain();
    const timeout = setTimeout(() => {
      for (const caller of this.#callers) caller.destroy();
    }, this.#options.closeTimeoutMs);
    await closed;
    clearTimeout(timeout);
    clearInterval(this.#silenceTimer);
  }

  readonly #cutOffSilent = (): void => {
    for (const caller of this.#callers) if (caller.trusted) caller.cutOffIfSilent();
  };

  readonly #onCallerClosed = (caller: CallerConnection, cause: Error | undefined): void => {
    this.#callers.delete(caller);
    if (cause) this.logger.warn({ msg: 'a caller was cut off', reason: cause.message, trusted: caller.trusted });
  };

  readonly #onRequest = (caller: CallerConnection, id: number, bytes: Buffer, start: number, end: number): void => {
    let request: { endpoint: Endpoint; incoming: IncomingCall };
    try {
      request = this.#read(bytes, start, end);
    } catch (error) {
      const { code, message } = error instanceof CallError ? error : { code: 'bad-request', message: `malformed request: ${String(error)}` };
      this.#refused.inc({ code });
      caller.refuse(id, [null, code, message, null, null]);
      return;
    }
    const { endpoint, incoming } = request;
    const { call } = endpoint;
    caller.calls.add(id, incoming);
    // A stream takes long by its nature, and its caller sets the pace.
    if (call.stream) this.#start(endpoint, caller, id, incoming);
    else {
      this.#admission.admit(
        call.priority,
        () => this.#start(endpoint, caller, id, incoming),
        () => {
          caller.calls.take(id);
          this.#refused.inc({ code: 'overloaded' });
          caller.refuse(id, [null, 'overloaded', 'too many calls in work', overloadedRetryAfterMs, null]);
        },
      );
    }
  };

  #start(endpoint: Endpoint, caller: CallerConnection, id: number, incoming: IncomingCall): void {
    this.#inFlight += 1;
    incoming.admittedAt = performance.now();
    const span = startRootSpan(callSpanName(endpoint.call), 'server', incoming, { traceparent: incoming.traceparent });
    void runInContext(span ?? incoming, () => this.#answer(endpoint, caller, id, incoming, span));
  }

  /** @throws CallError, NotPlainError */
  #read(bytes: Buffer, start: number, end: number): { endpoint: Endpoint; incoming: IncomingCall } {
    const tableId = tableIdOf(bytes, start, end);
    if (tableId === undefined) {
      const { name, incoming } = readPlainRequest(decodePlain(bytes, start, end));
      const endpoint = this.#endpoints.get(name);
      if (!endpoint) throw new CallError('incompatible', `${this.#contract.service} knows no such call`);
      checkLength(endpoint, end - start);
      return { endpoint, incoming };
    }
    const endpoint = this.#byTable.get(tableId);
    // The caller sends it again without a table.
    if (!endpoint) throw new CallError('unknown-table', 'no call has this table');
    checkLength(endpoint, end - start);
    return { endpoint, incoming: readTableRequest(endpoint.table, bytes, start, end) };
  }

  /** Never rejects. */
  async #answer(
    endpoint: Endpoint,
    caller: CallerConnection,
    id: number,
    incoming: IncomingCall,
    span: Span | undefined,
  ): Promise<void> {
    let code = 'ok';
    try {
      const result = await this.#handle(endpoint, incoming);
      if (endpoint.call.stream) {
        await sendStream(result as AsyncIterable<unknown>, incoming, (items) => caller.sendItems(id, endpoint, incoming, items));
        if (!incoming.cancelled) caller.endStream(id, incoming);
      } else if (!incoming.cancelled) caller.answer(id, endpoint, incoming, result);
    } catch (error) {
      const refusal = refusalOf(error, endpoint.call, (message) => this.logger.error(message));
      code = refusal.code;
      if (!incoming.cancelled) caller.refuse(id, encodeRefusal(refusal, incoming));
    }
    if (incoming.cancelled) code = 'cancelled';
    if (span) endCallSpan(span, endpoint.call, code);
    caller.calls.take(id);
    this.#inFlight -= 1;
    let recorder = endpoint.recorders.get(code);
    if (!recorder) {
      recorder = this.#duration.labels({ call: endpoint.call.name, code });
      endpoint.recorders.set(code, recorder);
    }
    const now = performance.now();
    recorder.observe((now - incoming.startedAt) / 1000);
    // What it waited to be admitted says how much there is to do, and not how slow that is.
    if (!endpoint.call.stream) this.#admission.done(endpoint.call.name, now - incoming.admittedAt, !saysNothing.has(code));
  }

  async #handle({ check, handler }: Endpoint, incoming: IncomingCall): Promise<unknown> {
    if (incoming.cancelled) throw new CallError('cancelled', 'nobody waits');
    if (Date.now() >= incoming.deadline) throw new CallError('deadline-exceeded', 'no time left');
    // Guards, pipes and the handler run in this call of Nest's; only interceptors and filters make it an observable.
    const result: unknown = await handler(check(incoming), incoming);
    return isObservable(result) ? firstValueFrom(result) : result;
  }
}

/**
 * The transport with which a service answers the calls of its contract, for `runService({ transport })` or any Nest
 * microservice. The boot stops when a call has no handler, or more than one.
 */
export function callServer(contract: CallContract, config: CallServerConfig, options: CallServerOptions = {}): CallServer {
  return new CallServer(contract, config, options);
}

function checkLength({ call }: Endpoint, bytes: number): void {
  if (bytes <= call.maxRequestBytes + headBytes) return;
  throw new CallError('bad-request', `a request of ${bytes} bytes, at most ${call.maxRequestBytes} are allowed`);
}

function encodeRefusal({ code, message, retryAfterMs, issues }: Refusal, incoming: IncomingCall): unknown[] {
  return [recordOf(incoming.raisedPositions()), code, message, retryAfterMs ?? null, issues ?? null];
}
