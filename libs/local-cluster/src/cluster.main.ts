import { parseArgs } from 'node:util';
import { ClusterError } from './cluster.error.ts';
import { clusterDirectory } from './cluster.options.ts';
import { down, logs, status, up } from './cluster.commands.ts';
import { sendCommand } from './control/control.client.ts';

const usage = `Usage: npm run cluster -- <command>

  up [--services gateway=2,catalog=3|none] [--components redis,…] [--with metrics,traces] [--no-install] [--timings]
                      start everything; returns when all is ready; with Prometheus and Zipkin beside it
  down                stop everything; returns when no process is left
  status [--json]     every process: ports, state, restarts, memory
  scale NAME=N        set the number of replicas of a service
  kill NAME-N         SIGKILL; it is started again            (also: kill kafka)
  pause NAME-N        SIGSTOP: alive, connected and silent
  resume NAME-N       SIGCONT
  restart NAME-N      SIGTERM, and a new start
  logs NAME [-f]      the log of a process, or of all replicas of a service

Environment: TENFOLD_DIRECTORY (default .tenfold/default), TENFOLD_PORT_BASE (default: free ports are picked),
TENFOLD_ADDRESS (default 127.0.0.1; another one lets containers and pods use the servers),
LOG_LEVEL, METRICS, ADMISSION, RATE_LIMIT_PER_MINUTE, LOGIN_LIMIT_PER_MINUTE, DRAIN_DELAY_MS, PROFILE_DIRECTORY,
PROFILE_BUSY_SHARE, DIAGNOSTICS_TOKEN (handed to the services).
`;

const { values, positionals } = (() => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        services: { type: 'string' },
        components: { type: 'string' },
        with: { type: 'string' },
        'no-install': { type: 'boolean', default: false },
        timings: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        follow: { type: 'boolean', short: 'f', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}`);
    process.exit(2);
  }
})();

const [command, name] = positionals;
const directory = clusterDirectory();

function requireName(): string {
  if (name === undefined) throw new ClusterError('bad-option', `${command} needs the name of a process; npm run cluster -- status lists them.`);
  return name;
}

function requireScale(): { service: string; replicas: number } {
  const [, service, replicas] = /^([a-z][a-z0-9-]*)=(\d+)$/.exec(name ?? '') ?? [];
  if (service === undefined) throw new ClusterError('bad-option', 'scale needs NAME=N, for instance catalog=3.');
  return { service, replicas: Number(replicas) };
}

try {
  switch (values.help ? 'help' : command) {
    case 'up':
      await up(directory, { services: values.services, components: values.components, extras: values.with, install: !values['no-install'], timings: values.timings });
      break;
    case 'down':
      await down(directory);
      break;
    case 'status':
      process.exitCode = await status(directory, values.json);
      break;
    case 'scale':
      await sendCommand(directory, { do: 'scale', ...requireScale() });
      break;
    case 'kill':
    case 'pause':
    case 'resume':
    case 'restart':
      await sendCommand(directory, { do: command as 'kill', name: requireName() });
      break;
    case 'logs':
      await logs(directory, requireName(), values.follow);
      break;
    case 'help':
      process.stdout.write(usage);
      break;
    default:
      process.stderr.write(usage);
      process.exitCode = 2;
  }
} catch (error) {
  if (!(error instanceof ClusterError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
