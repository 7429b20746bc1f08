import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { root } from '../cluster.options.ts';
import { renderTemplate } from '../files.ts';
import { requirePrograms } from '../install/install-programs.ts';
import { Watchdog } from '../watchdog.ts';

const folder = join(root, 'infra/prometheus');
const ruleFiles = globSync(join(folder, '*.rules.yml')).sort();
const testFiles = globSync(join(folder, 'tests/*.test.yml')).sort();
const text = (files: readonly string[]) => files.map((file) => readFileSync(file, 'utf8')).join('\n');
const rules = text(ruleFiles);
const tests = text(testFiles);
const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name);

let promtool: string;

/** Finds promtool, or installs it as the cluster does with metrics. */
beforeAll(async () => {
  const watchdog = new Watchdog();
  try {
    const programs = await requirePrograms(['metrics'], { install: true, watchdog, signal: undefined, progress: () => {} });
    promtool = programs.get('promtool') ?? 'promtool';
  } finally {
    await watchdog.close();
  }
}, 300_000);

function run(...args: string[]): { code: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(promtool, args, { encoding: 'utf8' });
  return { code: status, output: stdout + stderr };
}

describe('the alert rules', () => {
  it('are rules that Prometheus takes, and so is its configuration', () => {
    const directory = mkdtempSync(join(tmpdir(), 'tenfold-prometheus-'));
    try {
      const config = join(directory, 'prometheus.yml');
      writeFileSync(config, renderTemplate(join(folder, 'prometheus.yml'), { TARGETS: directory, RULES: folder, SCRAPE_INTERVAL: '5s' }));
      expect(run('check', 'config', config)).toMatchObject({ code: 0, output: expect.stringContaining(`${ruleFiles.length} rule files found`) as string });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it.each(testFiles.map((file) => basename(file)))('fire when they should, and only then: %s', (file) => {
    expect(run('test', 'rules', join(folder, 'tests', file))).toMatchObject({ code: 0 });
  });

  it.each(alerts)('%s is tested firing and not firing', (alert) => {
    expect(tests).toMatch(new RegExp(`alertname: ${alert}\\n\\s+exp_alerts:\\n`));
    expect(tests).toMatch(new RegExp(`alertname: ${alert}, exp_alerts: \\[\\]`));
  });

  it('name a runbook page each, and no page is left over', () => {
    const named = [...rules.matchAll(/runbook: (\S+)/g)].map(([, page = '']) => page);
    expect(named).toHaveLength(alerts.length);
    expect(named.filter((page) => !existsSync(join(root, page)))).toEqual([]);
    const pages = globSync('docs/runbooks/*.md', { cwd: root }).filter((page) => basename(page) !== 'README.md');
    const ofKubernetes = [...text(globSync(join(root, 'k8s/**/alerts.yaml'))).matchAll(/runbook: (\S+)/g)].map(([, page = '']) => page);
    expect(pages.sort()).toEqual([...new Set([...named, ...ofKubernetes])].sort());
  });
});

