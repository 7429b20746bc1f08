/** As much of an ioredis client as is needed. */
interface RedisClient {
  sendCommand(command: RedisCommand, ...rest: never[]): unknown;
}

interface RedisCommand {
  readonly isSettled: boolean;
  reject(error: Error): void;
}

/** Looks at what waits within the time that a command has: it fails a tenth of that late at most. */
const looks = 10;

/** Fails commands that get no answer in time, by one timer for all: ioredis' own `commandTimeout` makes one for each. */
export function timeOutCommands(redis: object, timeoutMs: number): void {
  const client = redis as RedisClient;
  const send = client.sendCommand.bind(client);
  let waiting: { command: RedisCommand; until: number }[] = [];
  let timer: NodeJS.Timeout | undefined;
  const look = () => {
    const now = performance.now();
    waiting = waiting.filter(({ command, until }) => {
      if (!command.isSettled && until <= now) command.reject(new Error('Command timed out'));
      return !command.isSettled;
    });
    if (waiting.length > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
  client.sendCommand = (command, ...rest) => {
    waiting.push({ command, until: performance.now() + timeoutMs });
    // After what has come in meanwhile: a turn that took long is not the fault of Redis.
    timer ??= setInterval(() => setImmediate(look), timeoutMs / looks);
    return send(command, ...rest);
  };
}
