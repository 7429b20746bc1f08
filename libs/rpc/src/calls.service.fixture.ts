import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Controller, Module } from '@nestjs/common';
import type { ResponseOf, ValidRequestOf } from '@tenfold/contracts';
import { callServerSettings, loadConfig, runService, serviceSettings } from '@tenfold/service';
import { processCalls } from './calls.service.contract.ts';
import { Answers, callServer } from './index.ts';

// A replica in a process of its own, for the tests that stop, kill and overload it.
const config = loadConfig({ ...serviceSettings, ...callServerSettings });
type Calls = typeof processCalls.calls;

/** Milliseconds of CPU that this thread has used: what others do on the machine is not in it. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

// A tick that comes late because this thread computed has used as much CPU since the one before.
let lastTick = cpuMs();
let longestTurn = 0;
setInterval(() => {
  const now = cpuMs();
  longestTurn = Math.max(longestTurn, now - lastTick);
  lastTick = now;
}, 5).unref();

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

@Controller()
class ProcessHandler {
  @Answers(processCalls.calls.whoAnswers)
  async whoAnswers({ ms }: ValidRequestOf<Calls['whoAnswers']>): Promise<ResponseOf<Calls['whoAnswers']>> {
    await delay(ms);
    return { replica: config.REPLICA };
  }

  @Answers(processCalls.calls.work)
  work({ ms }: ValidRequestOf<Calls['work']>): ResponseOf<Calls['work']> {
    for (const until = cpuMs() + ms; cpuMs() < until; );
    return {};
  }

  @Answers(processCalls.calls.longestTurn)
  longestTurn(): ResponseOf<Calls['longestTurn']> {
    const answer = { cpuMs: longestTurn };
    longestTurn = 0;
    return answer;
  }

  @Answers(processCalls.calls.heldMemory)
  heldMemory(): ResponseOf<Calls['heldMemory']> {
    collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    return { megabytes: (heapUsed + external) / 1024 ** 2 };
  }
}

@Module({ controllers: [ProcessHandler] })
class ProcessModule {}

await runService({ name: 'process', config, module: ProcessModule, transport: callServer(processCalls, config) });
