import { Injectable, Logger } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { SessionStore } from '@tenfold/session';
import { currentContext } from '@tenfold/telemetry';
import type { FastifyRequest } from 'fastify';
import { from, lastValueFrom } from 'rxjs';
import type { Observable } from 'rxjs';

/**
 * Remembers in the session how far each database was that it wrote or, where a history must not go backwards, read, before
 * the answer goes out: the session's next request then sees no less, whichever replica answers it. A request that was shown
 * nothing new costs nothing.
 */
@Injectable()
export class PositionsInterceptor implements NestInterceptor {
  readonly #logger = new Logger(PositionsInterceptor.name);

  constructor(private readonly store: SessionStore) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (isRead(request) && !request.currentSession) return next.handle();
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

/** Of others, a log-in may begin the session within the request. */
function isRead({ method }: FastifyRequest): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
}
