import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterContext } from '../cluster.context.ts';
import { runCommand } from '../command.ts';
import { writeAtomically } from '../files.ts';
import { databaseEnvironment } from './service-environment.ts';

/**
 * Runs the migrations of each service that has a database, side by side. A bundle that has been applied to this data
 * folder before is not run again: its chunks carry hashes in their names, so the same `migrate.js` is the same code.
 *
 * @throws ClusterError `command-failed`
 */
export async function migrate(context: ClusterContext): Promise<void> {
  // Beside the data, so that whoever deletes the one deletes the other.
  const file = join(context.directory, 'postgresql/applied-migrations.json');
  const applied: Record<string, string> = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>) : {};
  const due = context.declarations.filter(({ database }) => database).map((declaration) => ({ declaration, bundle: join(context.bundles, declaration.name, 'migrate.js') }));
  await Promise.all(
    due.map(async ({ declaration, bundle }) => {
      if (!existsSync(bundle)) return;
      const hash = createHash('sha256').update(readFileSync(bundle)).digest('hex');
      if (applied[declaration.name] === hash) return;
      await context.timeline.measure(`${declaration.name}: migrations`, async () => {
        await runCommand(process.execPath, ['--enable-source-maps', bundle], {
          purpose: `The migrations of ${declaration.name}`,
          workingDirectory: context.directory,
          environment: await databaseEnvironment(context, declaration, 'directly'),
          watchdog: context.watchdog,
          signal: context.signal,
        });
      });
      applied[declaration.name] = hash;
      writeAtomically(file, `${JSON.stringify(applied, undefined, 2)}\n`);
    }),
  );
}
