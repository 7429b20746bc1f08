import { Logger } from '@nestjs/common';

/**
 * Calls `stop` at the first SIGTERM or SIGINT and ends the process by its outcome: 0, or 1 when it failed or took
 * longer than `graceMs`. A second SIGINT ends the process at once.
 */
export function stopOnSignals(stop: (signal: NodeJS.Signals) => Promise<void>, graceMs: number): void {
  const logger = new Logger('Shutdown');
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals) => {
    if (stopping) {
      if (signal === 'SIGINT') process.exit(130);
      return;
    }
    stopping = true;
    logger.log(`${signal}: stopping`);
    setTimeout(() => {
      logger.error(`not done after ${graceMs} ms: giving up`);
      process.exit(1);
    }, graceMs);
    stop(signal).then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error(error);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}

/** An error that nobody caught leaves the process in an unknown state: log it and end, so that it starts afresh. */
export function exitOnUncaughtErrors(): void {
  const logger = new Logger('Process');
  const onError = (error: unknown) => {
    logger.fatal(error);
    process.exit(1);
  };
  process.on('uncaughtException', onError);
  process.on('unhandledRejection', onError);
}
