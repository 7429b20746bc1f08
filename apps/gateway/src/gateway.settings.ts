import {
  cacheRedisSettings,
  callAddresses,
  cookieSettings,
  httpSettings,
  listOf,
  objectStoreSettings,
  rateLimitSettings,
  serviceSettings,
  sessionRedisSettings,
} from '@tenfold/service';
import type { ConfigOf } from '@tenfold/service';
import { z } from 'zod';

/** What the gateway takes from its environment. */
export const gatewaySettings = {
  ...serviceSettings,
  ...httpSettings,
  ...sessionRedisSettings,
  ...cacheRedisSettings,
  ...cookieSettings,
  ...rateLimitSettings,
  ...objectStoreSettings,
  ...callAddresses('accounts', 'catalog', 'inventory', 'orders', 'worker'),
  /** Whether browsers reach the shop by TLS: the session cookie is then `Secure` and `__Host-session`. Default false. */
  COOKIE_SECURE: z.stringbool().default(false),
  /** Proxies whose `X-Forwarded-For` is believed: addresses, networks, or `loopback`, as a comma list. Default `loopback`. */
  TRUSTED_PROXIES: z.string().min(1).default('loopback'),
  /** Origins of other sites whose scripts may use the shop with its cookies, e.g. `https://admin.shop.example`. Default none. */
  ALLOWED_ORIGINS: listOf(z.string().regex(/^https?:\/\/[^/?#*]+$/, 'scheme://host[:port]')).default([]),
  /** Milliseconds in which a request's headers, and its whole, must have arrived; then 408. Defaults 10,000 and 15,000. */
  HTTP_HEADERS_TIMEOUT_MS: z.coerce.number().int().min(100).default(10_000),
  HTTP_REQUEST_TIMEOUT_MS: z.coerce.number().int().min(100).default(15_000),
  /** Seconds without a request after which a session is over. Default one day. */
  SESSION_IDLE_SECONDS: z.coerce.number().int().min(60).default(86_400),
  /** Seconds after which a session is over however busy it is. Default one week. */
  SESSION_ABSOLUTE_SECONDS: z.coerce.number().int().min(60).default(604_800),
  /** Seconds since the log-in for which other sessions can be ended without logging in again. Default 15 minutes. */
  SESSION_FRESH_SECONDS: z.coerce.number().int().min(1).default(900),
  /** Whether `SESSION_REDIS_URL` is a node of a Redis Cluster. Default false. */
  SESSION_REDIS_CLUSTER: z.stringbool().default(false),
};

export type GatewayConfig = ConfigOf<typeof gatewaySettings>;

/** Under which the {@link GatewayConfig} is injected. */
export const gatewayConfig = Symbol('gatewayConfig');
