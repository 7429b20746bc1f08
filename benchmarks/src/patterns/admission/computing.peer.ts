import { servePeer } from '../../frame/peer.ts';
import type { ComputingOptions } from './computing.app.ts';

await servePeer(async (options: ComputingOptions) => {
  // Read while modules load, so what reads it is loaded after this.
  process.env['ADMISSION'] = options.admission;
  const { serveComputing } = await import('./computing.app.ts');
  return serveComputing(options);
});
