import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { copyWorkspace } from '../../workspace-copy.fixture.ts';
import type { WorkspaceCopy } from '../../workspace-copy.fixture.ts';
import { makeFrom } from './new-workspace.fixture.ts';

let template: WorkspaceCopy;
let made: WorkspaceCopy;

const commitIn = (copy: WorkspaceCopy) => copy.run('git add --all && git -c user.name=test -c user.email=test@localhost commit --quiet --message "Since then"');
const read = (path: string) => readFileSync(join(made.directory, path), 'utf8');
const outdated = (options = '') => made.run(`npm run outdated -- --template ${template.directory} ${options}`);

/** A client of the gateway as the generator wrote it before calls took certificates. */
const client = `export const register = ({ CALLS_SECRET: secret }: GatewayConfig) => CallsModule.register({ contract: paymentsCalls, addresses, secret });\n`;

beforeAll(() => {
  template = copyWorkspace();
  made = makeFrom(template, 'acme-shop', '--scope @acme --keep-shop');
  // The template goes on: a line at the end, one that is ours as well, a new file, one that goes.
  appendFileSync(join(template.directory, 'libs/cache/README.md'), 'Of @tenfold/cache.\n');
  appendFileSync(join(template.directory, 'libs/rpc/README.md'), 'Of the template.\n');
  appendFileSync(join(template.directory, 'libs/session/README.md'), 'Of the template.\n');
  writeFileSync(join(template.directory, 'docs/tenfold-news.md'), '# News\n');
  rmSync(join(template.directory, 'loadtests/src/zipf.spec.ts'));
  commitIn(template);
  // So does the workspace, which was made before there was a migration.
  appendFileSync(join(made.directory, 'libs/rpc/README.md'), 'Of this workspace.\n');
  writeFileSync(join(made.directory, 'libs/session/README.md'), `Of this workspace.\n\n${read('libs/session/README.md')}`);
  writeFileSync(join(made.directory, 'apps/gateway/src/payments.module.ts'), client);
  writeFileSync(join(made.directory, 'template.json'), read('template.json').replace('"clients-take-certificates"', ''));
  commitIn(made);
}, 300_000);

afterAll(() => {
  template.remove();
  made.remove();
});

it('lists what can be taken over, what is to be merged, and which migrations have not run', { timeout: 300_000 }, () => {
  const printed = outdated();
  expect(printed).toMatch(/, 1 commits later\./);
  expect(printed).toContain('can be taken over, unchanged here: 3\n  docs/acme-shop-news.md\n  libs/cache/README.md\n  loadtests/src/zipf.spec.ts\n');
  expect(printed).toContain('to merge, changed here as well: 2\n  libs/rpc/README.md\n  libs/session/README.md\n');
  expect(printed).toContain('migrations not yet run: 1\n  clients-take-certificates (0.2.0)');
  expect(made.run('git status --porcelain')).toBe('');
});

it('takes over what it can, marks conflicts, and leaves migrations until they are resolved', { timeout: 300_000 }, () => {
  expect(() => outdated('--take')).toThrow('to be resolved by hand: 1\n  libs/rpc/README.md');
  expect(read('libs/cache/README.md')).toMatch(/Of @acme\/cache\.\n$/);
  expect(read('libs/session/README.md')).toMatch(/^Of this workspace\.[^]*Of the template\.\n$/);
  expect(read('libs/rpc/README.md')).toContain('<<<<<<< here\nOf this workspace.\n');
  expect(made.run('git status --porcelain docs loadtests')).toBe(' D loadtests/src/zipf.spec.ts\n?? docs/acme-shop-news.md\n');
  expect(read('apps/gateway/src/payments.module.ts')).toBe(client);
});

it('refuses to take more over what is not committed', { timeout: 300_000 }, () => {
  expect(() => outdated('--take')).toThrow('not committed');
});

it('runs the migrations once all is resolved, and then has nothing more to say', { timeout: 300_000 }, () => {
  writeFileSync(join(made.directory, 'libs/rpc/README.md'), 'Resolved.\n');
  commitIn(made);
  outdated('--take');
  expect(read('apps/gateway/src/payments.module.ts')).toContain('addresses, secret, tlsDirectory })');
  expect(JSON.parse(read('template.json'))).toMatchObject({ commit: template.run('git rev-parse HEAD').trim(), migrations: ['clients-take-certificates'] });
  commitIn(made);
  const printed = outdated();
  expect(printed.match(/: (\d+)\n/g)).toEqual([': 0\n', ': 0\n', ': 0\n']);
});
