import { servePeer } from '../frame/peer.ts';
import type { MeteredOptions } from './metered.app.ts';

await servePeer(async (options: MeteredOptions) => {
  // Metrics are made while modules load, so what makes them is loaded after this.
  process.env['METRICS'] = options.metrics;
  const { serveMetered } = await import('./metered.app.ts');
  return serveMetered(options);
});
