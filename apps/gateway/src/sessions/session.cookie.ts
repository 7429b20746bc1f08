import { Inject, Injectable } from '@nestjs/common';
import { sessionIdVerifier, signSessionId } from '@tenfold/session';
import type { VerifiedSessionId } from '@tenfold/session';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { gatewayConfig } from '../gateway.settings.ts';
import type { GatewayConfig } from '../gateway.settings.ts';

/**
 * The cookie that carries the signed session id. Behind TLS its name begins with `__Host-`, which browsers accept only
 * from the host itself, over TLS (RFC 6265bis, section 4.1.3.2).
 */
@Injectable()
export class SessionCookie {
  readonly name: string;
  readonly #verify: (signed: string) => VerifiedSessionId | undefined;

  constructor(@Inject(gatewayConfig) private readonly config: GatewayConfig) {
    this.#verify = sessionIdVerifier(config.COOKIE_KEYS);
    this.name = config.COOKIE_SECURE ? '__Host-session' : 'session';
  }

  /** The session id, if the request has a cookie that one of our keys signed, and whether to sign it anew. */
  read(request: FastifyRequest): VerifiedSessionId | undefined {
    const signed = request.cookies[this.name];
    return signed === undefined ? undefined : this.#verify(signed);
  }

  write(reply: FastifyReply, id: string): void {
    void reply.setCookie(this.name, signSessionId(id, this.config.COOKIE_KEYS), {
      ...this.#attributes,
      maxAge: this.config.SESSION_ABSOLUTE_SECONDS,
    });
  }

  clear(reply: FastifyReply): void {
    void reply.clearCookie(this.name, this.#attributes);
  }

  get #attributes() {
    return { path: '/', httpOnly: true, sameSite: 'lax', secure: this.config.COOKIE_SECURE } as const;
  }
}
