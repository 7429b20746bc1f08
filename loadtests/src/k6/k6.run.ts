import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import type { ErrorExample } from '../generator/load-result.ts';
import { LoadtestError } from '../loadtest/loadtest.error.ts';
import { k6ProcessOf } from './k6.program.ts';
import type { K6Program } from './k6.program.ts';
import type { K6Settings } from './k6.settings.ts';
import type { K6Summary } from './k6.summary.ts';

/** Lines of k6 that are shown when it fails. */
const KEPT_LINES = 20;

export interface K6RunOptions {
  k6: K6Program;
  /** Folder for what k6 reads and writes. */
  folder: string;
  settings: Omit<K6Settings, 'summaryFile'>;
  /** Where k6's own HTML report goes; none without it, which spares k6 some CPU. */
  reportFile: string | undefined;
  /** Ends the run. */
  signal: AbortSignal;
  /** Called when the first request starts: epoch milliseconds of the beginning of the first phase, and k6's process, if it is seen. */
  onStart: (startedAt: number, pid: number | undefined) => void;
}

export interface K6Run {
  summary: K6Summary;
  /** One of each kind; how many there were of a kind, k6 does not count. */
  errors: Omit<ErrorExample, 'count'>[];
}

/**
 * Runs the mix by k6.
 *
 * @throws LoadtestError `k6-failed` with its last words; AbortError when the signal ended it
 */
export async function runK6({ k6, folder, settings, reportFile, signal, onStart }: K6RunOptions): Promise<K6Run> {
  mkdirSync(folder, { recursive: true });
  const script = join(folder, 'mix.k6.js');
  const settingsFile = join(folder, 'settings.json');
  const summaryFile = join(folder, 'summary.json');
  rmSync(summaryFile, { force: true });
  await bundleScript(script);
  writeFileSync(settingsFile, JSON.stringify({ ...settings, summaryFile } satisfies K6Settings), { mode: 0o600 });

  const dashboard = reportFile === undefined ? {} : { K6_WEB_DASHBOARD: 'true', K6_WEB_DASHBOARD_EXPORT: reportFile, K6_WEB_DASHBOARD_PORT: '-1', K6_WEB_DASHBOARD_PERIOD: '5s' };
  const child = spawn(k6.command, [...k6.prefix, 'run', '--quiet', '--no-usage-report', '--address=', '--log-format=json', script], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, SETTINGS: settingsFile, ...dashboard },
  });
  const stop = () => child.kill('SIGINT');
  signal.addEventListener('abort', stop, { once: true });

  const errors = new Map<string, Omit<ErrorExample, 'count'>>();
  const words: string[] = [];
  createInterface(child.stderr).on('line', (line) => {
    const said = whatIsSaid(line);
    if (said === undefined) {
      words.push(line);
      if (words.length > KEPT_LINES) words.shift();
    } else if ('startedAt' in said) onStart(said.startedAt, k6ProcessOf(k6, child.pid));
    else errors.set(`${said.endpoint} ${said.status}`, { endpoint: said.endpoint, status: said.status, detail: said.error });
  });
  try {
    const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
    signal.throwIfAborted();
    if (code !== 0) throw new LoadtestError('k6-failed', `k6 ended with ${code}. Its last words:\n${words.join('\n')}`);
    return { summary: JSON.parse(readFileSync(summaryFile, 'utf8')) as K6Summary, errors: [...errors.values()] };
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** One plain file: k6 compiles it once for each of its users, and TypeScript takes k6 longer than us. */
async function bundleScript(file: string): Promise<void> {
  const bundle = await rolldown({ input: fileURLToPath(new URL('mix.k6.ts', import.meta.url)), external: /^k6(\/|$)/, platform: 'neutral' });
  await bundle.write({ file, format: 'esm' });
  await bundle.close();
}

type Said = { startedAt: number } | { endpoint: string; status: number; error: string };

/** What the script said by its `console`; undefined for k6's own words. */
function whatIsSaid(line: string): Said | undefined {
  try {
    const { source, msg } = JSON.parse(line) as { source?: string; msg: string };
    return source === 'console' ? (JSON.parse(msg) as Said) : undefined;
  } catch {
    return undefined;
  }
}
