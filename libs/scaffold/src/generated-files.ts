import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/**
 * What is made from contracts, rules and declarations: docs/calls.md with the records of all calls, the rules for
 * Kubernetes, and the services in docker-compose.yml.
 */
const scripts = ['scripts/contracts.ts', 'scripts/kubernetes/prometheus-rules.ts', 'scripts/compose/write-services.ts'];

/** Has them written anew, from the files as they are on disk. */
export function rewriteGenerated(root: string): void {
  for (const script of scripts) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, script)], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000 });
    if (status !== 0) throw new Error(`What ${script} writes is not up to date; \`node ${script}\` tries it again.\n${stdout}${stderr}`);
  }
}
