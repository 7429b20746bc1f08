import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Runs oxlint over the workspace. The boundary rule reads Nx' cached project graph and passes silently without one,
 * so the graph is made first and a skipped rule counts as a failure.
 *
 * @returns whether it found nothing, and what it printed
 */
export async function lint(paths: readonly string[] = []): Promise<{ clean: boolean; output: string }> {
  const scratch = mkdtempSync(join(tmpdir(), 'tenfold-graph-'));
  const graph = await run('nx', ['graph', `--file=${join(scratch, 'graph.json')}`]);
  rmSync(scratch, { recursive: true });
  if (!graph.ok) return { clean: false, output: graph.output };

  const { ok, output } = await run('oxlint', paths);
  return { clean: ok && !output.includes('The rule will be skipped'), output };
}

async function run(command: string, args: readonly string[]): Promise<{ ok: boolean; output: string }> {
  const options = { cwd: root, env: { ...process.env, NX_DAEMON: 'false' }, maxBuffer: 64 * 1_048_576 };
  try {
    const { stdout, stderr } = await promisify(execFile)(join(root, 'node_modules', '.bin', command), args, options);
    return { ok: true, output: stdout + stderr };
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    return { ok: false, output: stdout + stderr || String(error) };
  }
}

if (import.meta.main) {
  const { clean, output } = await lint(process.argv.slice(2));
  process.stdout.write(output);
  process.exitCode = clean ? 0 : 1;
}
