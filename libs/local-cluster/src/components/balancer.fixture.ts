import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { socketPath } from '../files.ts';
import { freePort } from '../free-port.ts';
import { setSlots } from './haproxy.component.ts';
import { balancerSettings, haproxyConfig } from './haproxy.config.ts';

export interface Balancer {
  port: number;
  pid: number;
  stop(): Promise<void>;
}

/**
 * HAProxy by itself, configured as in the cluster, before servers of a test or a benchmark; ready when it knows them all.
 *
 * @param options.root the checkout
 * @param options.environment as the cluster's `environment.haproxy`
 * @param options.ports of the servers, which must also answer `/health/ready`
 */
export async function startBalancer({ root, environment, ports }: { root: string; environment: Record<string, string>; ports: readonly number[] }): Promise<Balancer> {
  const directory = mkdtempSync(join(tmpdir(), 'tenfold-balancer-'));
  const settings = balancerSettings(environment);
  const port = await freePort();
  const file = join(directory, 'haproxy.cfg');
  writeFileSync(file, haproxyConfig(root, { httpPort: port, metricsPort: await freePort(), adminSocket: socketPath(directory, 'haproxy.sock') }, settings));
  const haproxy = spawn('haproxy', ['-db', '-f', file], { stdio: 'ignore', env: withSbin() });
  const stop = async () => {
    if (haproxy.exitCode === null && haproxy.signalCode === null) {
      const gone = once(haproxy, 'exit');
      haproxy.kill('SIGKILL');
      await gone;
    }
    rmSync(directory, { recursive: true, force: true });
  };
  const slots = ports.map((own, index) => ({ number: index + 1, state: 'ready' as const, ports: { http: own, operations: own } }));
  for (let attempt = 1; ; attempt += 1) {
    try {
      await setSlots(directory, slots, settings.weights);
      return { port, pid: haproxy.pid ?? 0, stop };
    } catch (error) {
      if (attempt < 100 && haproxy.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 50));
      else {
        await stop();
        throw error;
      }
    }
  }
}

/** Where Debian has HAProxy. */
export const withSbin = () => ({ ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` });
