import { loadConfig, runService } from '@tenfold/service';
import { configureHttp } from './gateway.http.ts';
import { GatewayModule } from './gateway.module.ts';
import { gatewaySettings } from './gateway.settings.ts';

const config = loadConfig(gatewaySettings);

await runService({
  name: 'gateway',
  config,
  module: GatewayModule.register(config),
  http: {
    port: config.HTTP_PORT,
    trustProxy: config.TRUSTED_PROXIES,
    deadlineMs: 5000,
    configure: configureHttp,
  },
});
