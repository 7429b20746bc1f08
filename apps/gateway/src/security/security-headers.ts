import type { SecurityHeadersOptions } from '@nestjs/common';
import type { GatewayConfig } from '../gateway.settings.ts';

/**
 * Headers of every answer (ASVS 5.0, section 3.4). An interface for programs: nothing of it may be shown as a page, be
 * framed, or be read by another site. What only helps browsers of the past is left out, since each header costs.
 */
export function securityHeaders({ COOKIE_SECURE }: Pick<GatewayConfig, 'COOKIE_SECURE'>): SecurityHeadersOptions {
  return {
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: "'none'", frameAncestors: "'none'" } },
    crossOriginResourcePolicy: { policy: 'same-origin' },
    crossOriginOpenerPolicy: { policy: 'same-origin' },
    referrerPolicy: { policy: 'no-referrer' },
    xContentTypeOptions: true,
    strictTransportSecurity: COOKIE_SECURE && { maxAge: 31_536_000, includeSubDomains: true },
    crossOriginEmbedderPolicy: false,
    originAgentCluster: false,
    xDnsPrefetchControl: false,
    xDownloadOptions: false,
    xFrameOptions: false,
    xPermittedCrossDomainPolicies: false,
    xXssProtection: false,
  };
}
