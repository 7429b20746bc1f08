import { workerCalls } from '@tenfold/contracts';
import { DeadLettersModule } from '@tenfold/jobs';
import { callServer } from '@tenfold/rpc';
import { loadConfig, runService } from '@tenfold/service';
import { WorkerModule } from './worker.module.ts';
import { workerMessages } from './worker.messages.ts';
import { workerSettings } from './worker.settings.ts';

const config = loadConfig(workerSettings);

await runService({
  name: 'worker',
  config,
  module: WorkerModule.register(config),
  transport: callServer(workerCalls, config),
  operations: [
    DeadLettersModule.register({
      brokers: config.KAFKA_BROKERS,
      topics: workerMessages.map(({ topic }) => topic),
      token: config.DIAGNOSTICS_TOKEN,
    }),
  ],
});
