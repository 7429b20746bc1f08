import { ordersCalls } from '@tenfold/contracts';
import { callServer } from '@tenfold/rpc';
import { loadConfig, runService } from '@tenfold/service';
import { OrdersModule } from './orders.module.ts';
import { ordersSettings } from './orders.settings.ts';

const config = loadConfig(ordersSettings);

await runService({
  name: 'orders',
  config,
  module: OrdersModule.register(config),
  transport: callServer(ordersCalls, config),
});
