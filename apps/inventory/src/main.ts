import { inventoryCalls } from '@tenfold/contracts';
import { callServer } from '@tenfold/rpc';
import { loadConfig, runService } from '@tenfold/service';
import { InventoryModule } from './inventory.module.ts';
import { inventorySettings } from './inventory.settings.ts';

const config = loadConfig(inventorySettings);

await runService({
  name: 'inventory',
  config,
  module: InventoryModule.register(config),
  transport: callServer(inventoryCalls, config),
});
