import { Injectable, Logger } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { SessionStore } from '@tenfold/session';
import { currentContext } from '@tenfold/telemetry';
import type { FastifyRequest } from 'fastify';
import { from, lastValueFrom } from 'rxjs';
import type { Observable } from 'rxjs';

const readOnly = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Remembers in the session how far its writes brought each database, before the answer goes out: the session's next
 * request then reads what this one wrote, whichever replica answers it.
 */
@Injectable()
export class PositionsInterceptor implements NestInterceptor {
  readonly #logger = new Logger(PositionsInterceptor.name);

  constructor(private readonly store: SessionStore) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (readOnly.has(request.method)) return next.handle();
    return from(this.#thenSave(request, next));
  }

  async #thenSave(request: FastifyRequest, next: CallHandler): Promise<unknown> {
    const positions = currentContext()?.positions;
    const before = new Map(positions);
    try {
      return await lastValueFrom(next.handle());
    } finally {
      const raised = new Map([...(positions ?? [])].filter(([database, lsn]) => before.get(database) !== lsn));
      const session = request.currentSession;
      if (raised.size > 0 && session) await this.#save(session.id, raised);
    }
  }

  async #save(id: string, raised: Map<string, string>): Promise<void> {
    try {
      await this.store.savePositions(id, raised);
    } catch (error) {
      // What was written is written: saying otherwise now would make the client try again.
      this.#logger.warn({ err: error, msg: 'positions of a session could not be saved' });
    }
  }
}
