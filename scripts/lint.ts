import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Runs oxlint over the workspace. The boundary rule reads Nx' cached project graph and passes silently without one,
 * so the graph is made first and a skipped rule counts as a failure.
 *
 * @returns whether it found nothing, and what it printed
 */
export function lint(paths: readonly string[] = []): { clean: boolean; output: string } {
  const run = (command: string, args: readonly string[]) =>
    spawnSync(join(root, 'node_modules', '.bin', command), args, {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, NX_DAEMON: 'false' },
    });

  const scratch = mkdtempSync(join(tmpdir(), 'tenfold-graph-'));
  const graph = run('nx', ['graph', `--file=${join(scratch, 'graph.json')}`]);
  rmSync(scratch, { recursive: true });
  if (graph.status !== 0) return { clean: false, output: graph.stdout + graph.stderr };

  const { status, stdout, stderr } = run('oxlint', paths);
  const output = stdout + stderr;
  return { clean: status === 0 && !output.includes('The rule will be skipped'), output };
}

if (import.meta.main) {
  const { clean, output } = lint(process.argv.slice(2));
  process.stdout.write(output);
  process.exitCode = clean ? 0 : 1;
}
