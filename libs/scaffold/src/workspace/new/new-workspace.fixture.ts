import { join } from 'node:path';
import { copyAt } from '../../workspace-copy.fixture.ts';
import type { WorkspaceCopy } from '../../workspace-copy.fixture.ts';

/** A workspace made from a copy of the template, beside it. */
export function makeFrom(template: WorkspaceCopy, name: string, options: string): WorkspaceCopy {
  const directory = join(template.directory, '..', `${name}-${process.pid}`);
  template.run(`npm run new -- ${directory} --name ${name} ${options}`);
  return copyAt(directory, name);
}
