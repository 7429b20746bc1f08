import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { expect, it } from 'vitest';
import { yieldProcessor } from './background.ts';

it('lets a process, and the scheduling group of its session, yield to others', async () => {
  const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
  const pid = child.pid ?? 0;
  try {
    await yieldProcessor(pid);

    expect(getPriority(pid)).toBe(5);
    const group = `/proc/${pid}/autogroup`;
    expect(existsSync(group) ? readFileSync(group, 'utf8') : 'no groups: nice 5').toMatch(/nice 5$/m);
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});

it('leaves alone what has ended', async () => {
  const child = spawn('true', { stdio: 'ignore' });
  await once(child, 'exit');

  await expect(yieldProcessor(child.pid ?? 0)).resolves.toBeUndefined();
});
