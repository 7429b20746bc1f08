import { catalogCalls } from '@tenfold/contracts';
import { callServer } from '@tenfold/rpc';
import { loadConfig, runService } from '@tenfold/service';
import { CatalogModule } from './catalog.module.ts';
import { catalogSettings } from './catalog.settings.ts';

const config = loadConfig(catalogSettings);

await runService({
  name: 'catalog',
  config,
  module: CatalogModule.register(config),
  transport: callServer(catalogCalls, config),
});
