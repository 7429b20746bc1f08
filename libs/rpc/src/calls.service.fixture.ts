import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import { Controller, Module } from '@nestjs/common';
import type { ResponseOf, ValidRequestOf } from '@tenfold/contracts';
import { callServerSettings, loadConfig, runService, serviceSettings } from '@tenfold/service';
import { processCalls } from './calls.service.contract.ts';
import { Answers, callServer } from './index.ts';

// A replica in a process of its own, for the tests that stop and kill it.
const config = loadConfig({ ...serviceSettings, ...callServerSettings });
type WhoAnswers = typeof processCalls.calls.whoAnswers;

@Controller()
class WhoAnswersHandler {
  @Answers(processCalls.calls.whoAnswers)
  async whoAnswers({ ms }: ValidRequestOf<WhoAnswers>): Promise<ResponseOf<WhoAnswers>> {
    await delay(ms);
    return { replica: config.REPLICA };
  }
}

@Module({ controllers: [WhoAnswersHandler] })
class WhoAnswersModule {}

await runService({ name: 'process', config, module: WhoAnswersModule, transport: callServer(processCalls, config) });
