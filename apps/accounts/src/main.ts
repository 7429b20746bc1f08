import { accountsCalls } from '@tenfold/contracts';
import { callServer } from '@tenfold/rpc';
import { loadConfig, runService } from '@tenfold/service';
import { AccountsModule } from './accounts.module.ts';
import { accountsSettings } from './accounts.settings.ts';

const config = loadConfig(accountsSettings);

await runService({
  name: 'accounts',
  config,
  module: AccountsModule.register(config),
  transport: callServer(accountsCalls, config),
});
