import { get } from 'node:http';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import type { ClusterContext } from '../cluster.context.ts';
import { renderTemplate, writeAtomically } from '../files.ts';
import { address } from '../ports.ts';

/** Starts maildev, which takes every mail and shows it: an inbox for people, an HTTP API for tests. */
export async function startMail(context: ClusterContext): Promise<void> {
  const ports = await context.ports.ofProcess('mail', ['smtp', 'http']);
  const configFile = join(context.directory, 'config/maildev.json');
  const values = { LISTEN_ADDRESS: address, SMTP_PORT: ports.smtp, HTTP_PORT: ports.http };
  writeAtomically(configFile, renderTemplate(join(context.root, 'infra/mail/maildev.json'), values));
  const program = fileURLToPath(new URL('bin/maildev.js', import.meta.resolve('maildev')));
  await context.run({
    name: 'mail',
    kind: 'component',
    command: process.execPath,
    args: [...smallHeap, program, '--config', configFile],
    workingDirectory: context.directory,
    ports,
    background: true,
    isReady: (signal) => answers200(`http://${address}:${ports.http}/api/healthz`, signal),
  });
}

/** A sink of short texts. With a young generation of 1 MiB a quarter of its CPU was garbage collection. */
const smallHeap = ['--max-semi-space-size=8', '--max-old-space-size=96', '--single-threaded-gc'];

/** Whether a GET is answered by 200. */
export function answers200(url: string, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const request = get(url, { signal, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.once('error', reject);
  });
}
