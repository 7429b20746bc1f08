/**
 * Watches the wrapper that runs a tool on a fresh clone (`scripts/run.mjs`), if it started this process: when it is
 * killed by SIGKILL, nobody else could tell us to end. We end then as by its SIGTERM.
 *
 * @returns stops watching
 */
export function watchStarter(): () => void {
  const starter = Number(process.env['TENFOLD_STARTED_BY']);
  if (starter !== process.ppid) return () => {};
  const timer = setInterval(() => {
    if (process.ppid !== starter) process.kill(process.pid, 'SIGTERM');
  }, 1_000);
  timer.unref();
  return () => clearInterval(timer);
}
