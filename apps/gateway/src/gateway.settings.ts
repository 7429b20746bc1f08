import {
  callAddresses,
  cookieSettings,
  httpSettings,
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
  ...cookieSettings,
  ...rateLimitSettings,
  ...objectStoreSettings,
  ...callAddresses('accounts', 'catalog', 'orders', 'worker'),
  /** Whether browsers reach the shop by TLS: the session cookie is then `Secure` and `__Host-session`. Default false. */
  COOKIE_SECURE: z.stringbool().default(false),
  /** Proxies whose `X-Forwarded-For` is believed: addresses, networks, or `loopback`, as a comma list. Default `loopback`. */
  TRUSTED_PROXIES: z.string().min(1).default('loopback'),
  /** Seconds without a request after which a session is over. Default one day. */
  SESSION_IDLE_SECONDS: z.coerce.number().int().min(60).default(86_400),
  /** Seconds after which a session is over however busy it is. Default one week. */
  SESSION_ABSOLUTE_SECONDS: z.coerce.number().int().min(60).default(604_800),
};

export type GatewayConfig = ConfigOf<typeof gatewaySettings>;

/** Under which the {@link GatewayConfig} is injected. */
export const gatewayConfig = Symbol('gatewayConfig');
