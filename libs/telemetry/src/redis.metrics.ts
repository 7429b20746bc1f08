import { counter, histogram, roundTripBuckets } from './metrics.registry.ts';
import { metricsEnabled } from './metrics.switch.ts';

/** As much of an ioredis client as is measured. */
interface RedisClient {
  sendCommand(command: RedisCommand, ...rest: never[]): unknown;
}

interface RedisCommand {
  name: string;
  promise: Promise<unknown>;
}

/**
 * Measures every command of a Redis client. Commands that are sent in one go, without waiting for each other, count as
 * one round trip.
 *
 * @param client label of the series, e.g. `cache`: one for each purpose, not for each connection
 */
export function measureRedis(redis: RedisClient, client: string): void {
  if (!metricsEnabled) return;
  const durations = histogram({
    name: 'redis_command_duration_seconds',
    help: 'Time until Redis answered a command, or the command was given up.',
    labelNames: ['client', 'command'],
    buckets: roundTripBuckets,
  });
  const roundTrips = counter({
    name: 'redis_round_trips_total',
    help: 'Times that Redis was asked; commands sent in one go are one.',
    labelNames: ['client'],
  }).labels({ client });
  const recorders = new Map<string, { observe(seconds: number): void }>();
  let underWay = false;
  const endRoundTrip = () => {
    underWay = false;
  };
  const send = redis.sendCommand.bind(redis);
  redis.sendCommand = (command, ...rest) => {
    const startedAt = performance.now();
    const answer = send(command, ...rest);
    if (!underWay) {
      underWay = true;
      roundTrips.inc();
      queueMicrotask(endRoundTrip);
    }
    let recorder = recorders.get(command.name);
    if (!recorder) recorders.set(command.name, (recorder = durations.labels({ client, command: command.name })));
    const record = () => recorder.observe((performance.now() - startedAt) / 1000);
    command.promise.then(record, record);
    return answer;
  };
}
