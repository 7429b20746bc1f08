import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, inject, test } from 'vitest';
import { prepareShoppers } from '../loadtest/shoppers.ts';
import { findK6 } from './k6.program.ts';
import type { K6Program } from './k6.program.ts';
import { runK6 } from './k6.run.ts';
import { droppedIn, resultOf } from './k6.summary.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
/** As the end-to-end suite seeds its shop. */
const scale = 0.02;
const phases = [{ name: 'run', from: 20, to: 20, seconds: 5 }];

/** Built by nobody here: four minutes of CPU are too many for a sign of life. */
function k6OnThisMachine(): K6Program | undefined {
  try {
    return findK6({ root, install: false, onProgress: () => {} });
  } catch {
    return undefined;
  }
}

test('k6 plays the mix for five seconds, and every answer is right', async ({ skip }) => {
  const k6 = k6OnThisMachine();
  if (!k6) {
    const note = 'no k6 here, so this is left out; `npm run loadtest -- smoke` builds one and does the same for longer';
    process.stdout.write(`k6: ${note}\n`);
    return skip(note);
  }
  // Below the checkout, where a container sees it.
  const folder = mkdtempSync(join(k6.container === undefined ? tmpdir() : root, '.k6-'));
  try {
    const gateway = inject('servers').gateway;
    const { summary, errors } = await runK6({
      k6,
      folder,
      reportFile: undefined,
      signal: AbortSignal.timeout(60_000),
      settings: {
        origin: gateway,
        phases,
        judged: 'run',
        users: 20,
        countsLateness: true,
        endpoints: [],
        timeoutMs: 10_000,
        scale,
        guests: 20,
        run: randomUUID(),
        seed: 7,
        wasteMs: 0,
        ...(await prepareShoppers(gateway, 2)),
      },
      onStart: () => {},
    });
    expect(errors).toEqual([]);
    expect(droppedIn(summary)).toBe(0);
    const { requests, errors: wrong } = resultOf(summary, 'run');
    expect(wrong).toBe(0);
    expect(requests).toBeGreaterThanOrEqual(99);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 90_000);
