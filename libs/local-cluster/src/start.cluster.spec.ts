import { existsSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startCluster } from './cluster.ts';
import { alive, command, eventually, everyProcess, makeTestDirectory, removeTestDirectory, startCommand, statusOf, watchdogOf } from './cluster.fixture.ts';

const redisOnly = ['up', '--services', 'none', '--components', 'session-redis'];

/** The `cluster` command, and what is left when its runner does not end in order. */
describe('the cluster command', () => {
  let directory: string;

  beforeEach(() => {
    directory = makeTestDirectory();
  });

  afterEach(async () => {
    await command(directory, ['down']);
    removeTestDirectory(directory);
  });

  it('starts, shows and stops a cluster that outlives it', async () => {
    const up = await command(directory, redisOnly);
    expect(up).toMatchObject({ code: 0, output: expect.stringContaining('session-redis is ready') as string });
    const status = await statusOf(directory);
    expect(status.processes.map(({ name, kind, state }) => [name, kind, state])).toEqual([
      ['runner', 'runner', 'ready'],
      ['session-redis', 'component', 'ready'],
    ]);
    const processes = everyProcess(directory);
    expect(await command(directory, ['down'])).toEqual({ code: 0, output: 'Stopped; no process is left.\n' });
    expect(alive(processes)).toEqual([]);
    expect((await command(directory, ['status'])).code).toBe(1);
  });

  it('says what already runs when it is started twice', async () => {
    await command(directory, redisOnly);
    const before = everyProcess(directory);
    const second = await command(directory, redisOnly);
    expect(second).toMatchObject({ code: 0, output: expect.stringContaining('The cluster runs already') as string });
    expect(everyProcess(directory)).toEqual(before);
  });

  it('starts one cluster when two starts meet', async () => {
    const both = await Promise.all([command(directory, redisOnly), command(directory, redisOnly)]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    const { state, processes } = await statusOf(directory);
    expect([state, processes.length]).toEqual(['running', 2]);
  });

  it('leaves no process when the runner is killed by SIGKILL', async () => {
    await command(directory, redisOnly);
    const processes = everyProcess(directory);
    process.kill((await statusOf(directory)).pid, 'SIGKILL');
    await eventually('every process has ended', () => alive(processes).length === 0);
    expect((await command(directory, redisOnly)).code).toBe(0);
  });

  it('ends on the next start what is left when runner and watchdog are killed', async () => {
    await command(directory, redisOnly);
    const processes = everyProcess(directory);
    const watchdog = watchdogOf(directory);
    process.kill(watchdog, 'SIGSTOP');
    process.kill((await statusOf(directory)).pid, 'SIGKILL');
    process.kill(watchdog, 'SIGKILL');
    expect(alive(processes).map(({ name }) => name)).toContain('session-redis');
    const up = await command(directory, redisOnly);
    expect(up).toMatchObject({ code: 0, output: expect.stringContaining('ended what an earlier runner left behind: session-redis') as string });
    expect(alive(processes)).toEqual([]);
  });

  it('takes a start back when it is interrupted', async () => {
    const starting = startCommand(directory, ['up', '--services', 'none', '--components', 'kafka,session-redis,mail']);
    await eventually('redis runs', () => existsSync(join(directory, 'state.json')));
    const processes = everyProcess(directory);
    const ended = new Promise((resolve) => starting.once('exit', resolve));
    starting.kill('SIGINT');
    expect(await ended).toBe(1);
    await eventually('every process has ended', () => alive(processes).length === 0);
    expect((await statusOf(directory)).state).toBe('stopped');
  });

  it('names the port that is taken, and who wanted it', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    try {
      const up = await command(directory, redisOnly, { TENFOLD_PORT_BASE: String(port - 3) });
      expect(up).toMatchObject({ code: 1, output: expect.stringContaining(`Port ${port}, which TENFOLD_PORT_BASE=${port - 3} gives to session-redis`) as string });
    } finally {
      await new Promise((resolve) => other.close(resolve));
    }
  });

  it('lists everything missing, with the commands that bring it, before anything is started', async () => {
    const up = await command(directory, ['up', '--services', 'none', '--components', 'session-redis,kafka', '--no-install'], { PATH: '/nowhere' });
    expect(up.code).toBe(1);
    expect(up.output).toMatch(/Missing: redis-server, mvn\. Installing is switched off; run:\n[^]*(apt-get|brew) install .*redis.*maven/);
    expect(existsSync(join(directory, 'state.json'))).toBe(false);
  });

  it('says which data folder is broken and what to do, and leaves nothing running', async () => {
    const data = join(directory, 'postgresql/postgres-primary');
    mkdirSync(data, { recursive: true });
    await expect(startCluster({ directory, services: 'none', components: ['postgresql', 'session-redis'] })).rejects.toMatchObject({
      code: 'broken-data',
      message: expect.stringContaining(`rm -rf ${data}`) as string,
    });
    expect(existsSync(join(directory, 'state.json'))).toBe(false);
    expect(existsSync(join(directory, 'lock.json'))).toBe(false);
  });

  it('writes logs that can be read by name', async () => {
    await command(directory, redisOnly);
    expect(await command(directory, ['logs', 'session-redis'])).toMatchObject({ code: 0, output: expect.stringContaining('Ready to accept connections') as string });
    expect(await command(directory, ['logs', 'nothing'])).toMatchObject({ code: 1, output: expect.stringContaining('There is no log of "nothing"') as string });
  });
});
