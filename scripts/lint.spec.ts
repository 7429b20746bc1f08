import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { lint } from './lint.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const written: string[] = [];

/** Lints one file that stands in the project only while the test runs. */
function lintOf(path: string, source: string) {
  written.push(join(root, path));
  writeFileSync(join(root, path), source);
  return lint([path]);
}

afterEach(() => {
  for (const path of written.splice(0)) rmSync(path, { force: true });
});

describe('module boundaries', () => {
  it('refuse a library that imports the contracts upwards', async () => {
    const { clean, output } = await lintOf('libs/contracts/src/boundary-probe.ts', "export { registry } from '@tenfold/telemetry';\n");
    expect(clean).toBe(false);
    expect(output).toContain('layer:contracts');
  });

  it('refuse an app that imports another app', async () => {
    const { clean, output } = await lintOf('apps/gateway/src/boundary-probe.ts', "export * as accounts from '../../accounts/src/main.ts';\n");
    expect(clean).toBe(false);
    expect(output).toContain('enforce-module-boundaries');
  });

  it('refuse an app that imports the local cluster outside of its tests', async () => {
    const { clean, output } = await lintOf('apps/gateway/src/boundary-probe.ts', "export { startCluster } from '@tenfold/local-cluster';\n");
    expect(clean).toBe(false);
    expect(output).toContain('layer:app');
  });
});
