import { readdirSync } from 'node:fs';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Controller, Header, Headers, HttpCode, Inject, Post, UnauthorizedException } from '@nestjs/common';
import { showsToken } from './bearer.token.ts';

export const DIAGNOSTICS_TOKEN = Symbol('diagnostics token');

/** What a process holds on to: flat over hours, unless something leaks. */
export interface Holdings {
  /** Bytes of live objects, right after a collection of all garbage, and of buffers outside of the heap. */
  heapBytes: number;
  externalBytes: number;
  /** Bytes of compiled code in the heap, which grow for as long as V8 finds more to compile. */
  codeBytes: number;
  /** Open descriptors; undefined where the system does not tell. */
  descriptors: number | undefined;
  /** Sockets and pipes, and timers, that keep the process alive. */
  connections: number;
  timers: number;
}

/**
 * Collects garbage and tells what is left, for whoever shows the token. Part of the operations port only where there is
 * one: a collection stops the process for as long as it takes, tens of milliseconds.
 */
@Controller('diagnostics')
export class DiagnosticsController {
  constructor(@Inject(DIAGNOSTICS_TOKEN) private readonly token: string) {}

  @Post('holdings')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  holdings(@Headers('authorization') authorization: string | undefined): Holdings {
    if (!showsToken(authorization, this.token)) {
      throw new UnauthorizedException('This needs the token of DIAGNOSTICS_TOKEN: authorization: Bearer …');
    }
    collectGarbage();
    const spaces = getHeapSpaceStatistics();
    const codeBytes = spaces.filter(({ space_name }) => /code|trusted/.test(space_name)).reduce((sum, { space_used_size }) => sum + space_used_size, 0);
    const { heapUsed, external } = process.memoryUsage();
    const active = Map.groupBy(process.getActiveResourcesInfo(), (kind) => kind);
    const countOf = (...kinds: string[]) => kinds.reduce((sum, kind) => sum + (active.get(kind)?.length ?? 0), 0);
    return {
      heapBytes: heapUsed - codeBytes,
      codeBytes,
      externalBytes: external,
      descriptors: process.platform === 'linux' ? readdirSync('/proc/self/fd').length : undefined,
      connections: countOf('TCPSocketWrap', 'PipeWrap'),
      timers: countOf('Timeout'),
    };
  }
}

let gc: (() => void) | undefined;

function collectGarbage(): void {
  if (!gc) {
    // As if the process had been started with the flag, which changes nothing for anybody else.
    setFlagsFromString('--expose-gc');
    gc = runInNewContext('gc') as () => void;
  }
  // The second one takes what the finalizers of the first have let go.
  gc();
  gc();
}
