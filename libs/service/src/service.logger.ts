import { Logger, PinoLogger } from 'nestjs-pino';
import { currentContext } from '@tenfold/telemetry';

/** Names under which secrets travel, at the top of a logged object and up to two levels down. */
const secretNames = ['password', 'cookie', 'authorization', 'secret', 'token'];
const secretPaths = [...secretNames, '["set-cookie"]'].flatMap((name) => {
  const member = name.startsWith('[') ? name : `.${name}`;
  return [name, `*${member}`, `*.*${member}`];
});

/** Nest contexts that say at each start how the application is wired; kept for `debug`. */
const wiringContexts = new Set<unknown>(['InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestFactory']);

/**
 * Pino behind Nest's `Logger`: JSON lines on standard output with service, replica and, inside of a request, its ids.
 * The ids come from the context when a line is written, so a request that logs nothing costs nothing.
 */
class ServiceLogger extends Logger {
  override log(message: unknown, ...optionalParams: unknown[]): void {
    if (wiringContexts.has(optionalParams.at(-1))) super.debug(message, ...optionalParams);
    else super.log(message, ...optionalParams);
  }
}

/** @param level of pino, e.g. `info` */
export function createServiceLogger(service: string, replica: string, level: string): Logger {
  const parameters = {
    pinoHttp: {
      level,
      base: { service, replica },
      redact: { paths: secretPaths, censor: '[redacted]' },
      mixin() {
        const context = currentContext();
        return context ? { requestId: context.requestId, traceId: context.traceId } : {};
      },
    },
  };
  return new ServiceLogger(new PinoLogger(parameters), parameters);
}
