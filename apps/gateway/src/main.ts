import { loadConfig, runService } from '@tenfold/service';
import { httpOptions } from './gateway.http.ts';
import { GatewayModule } from './gateway.module.ts';
import { gatewaySettings } from './gateway.settings.ts';

const config = loadConfig(gatewaySettings);

await runService({
  name: 'gateway',
  config,
  module: GatewayModule.register(config),
  http: { port: config.HTTP_PORT, ...httpOptions(config) },
});
