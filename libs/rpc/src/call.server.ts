import { Server } from '@nestjs/microservices';
import type { CustomTransportStrategy } from '@nestjs/microservices';
import type { CallContract } from '@tenfold/contracts';

export interface CallServerConfig {
  HOST: string;
  CALLS_PORT: number;
  CALLS_SECRET: string;
}

export interface CallServerOptions {
  /** Calls in work at once; further ones are refused with `overloaded`. Default 1000. */
  maxInFlight?: number;
  /** Bytes of the largest frame; a longer one is refused before it is read. Default 1 MiB. */
  maxFrameBytes?: number;
}

export class CallServer extends Server implements CustomTransportStrategy {
  on(): void {}
  unwrap<T>(): T { return this as unknown as T; }
  listen(callback: () => void): void { callback(); }
  close(): void {}
}

export function callServer(_contract: CallContract, _config: CallServerConfig, _options: CallServerOptions = {}): CallServer {
  return new CallServer();
}
