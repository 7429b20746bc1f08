import { hash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';

/**
 * How long copies of the catalog may be shown: 5 s in a browser, 1 s in a cache that many share, and up to 30 s more by
 * it while it fetches a new one (RFC 9111 and RFC 5861). Checkout always takes the price from the catalog itself.
 */
const freshness = 'public, max-age=5, s-maxage=1, stale-while-revalidate=30';

/** An answer that everybody gets alike. */
export interface CacheableAnswer {
  body: string;
  /** As `ETag`. */
  tag: string;
}

/** Serializes a value once, for both the tag and the answer. */
export function cacheableAnswer(value: object): CacheableAnswer {
  const body = JSON.stringify(value);
  return { body, tag: `"${hash('sha1', body, 'base64url')}"` };
}

/**
 * Answers a read that everybody sees alike: with an ETag, and with 304 and no body if the client has just that.
 *
 * @returns the body to send; undefined for 304
 */
export function sendCacheable(request: FastifyRequest, reply: FastifyReply, { body, tag }: CacheableAnswer): string | undefined {
  void reply.headers({ 'cache-control': freshness, etag: tag });
  const known = request.headers['if-none-match'];
  if (known !== undefined && matches(known, tag)) {
    void reply.code(304);
    return undefined;
  }
  void reply.type('application/json; charset=utf-8');
  return body;
}

/** RFC 9110, section 13.1.2: a list of tags, compared weakly, or `*`. */
function matches(ifNoneMatch: string, tag: string): boolean {
  if (ifNoneMatch === tag || ifNoneMatch.trim() === '*') return true;
  return ifNoneMatch.split(',').some((candidate) => candidate.trim().replace(/^W\//, '') === tag);
}

/** Seconds for which who changed the catalog reads past shared caches; far longer than those keep an answer. */
const pastCachesSeconds = 60;

const freshCookie = 'fresh';

/** Whether the client has just changed the catalog. */
export function readsPastSharedCaches(request: FastifyRequest): boolean {
  return request.cookies[freshCookie] !== undefined;
}

/** Lets whoever made a change see it at once: shared caches pass on what comes with this cookie. */
export function readPastSharedCaches(request: FastifyRequest, reply: FastifyReply): void {
  void reply.setCookie(freshCookie, '1', {
    path: '/',
    httpOnly: true,
    sameSite: 'lax',
    secure: request.protocol === 'https',
    maxAge: pastCachesSeconds,
  });
}
