import { afterAll, beforeAll, expect, it } from 'vitest';
import { copyWorkspace } from './workspace-copy.fixture.ts';
import type { WorkspaceCopy } from './workspace-copy.fixture.ts';

/** Combinations in which a template leaves out what it has in others; with everything is docs/first-service.md. */
const services = {
  pricing: '--no-database --http',
  invoices: '--no-calls --database --jobs',
  deliveries: '--http',
};
const names = Object.keys(services);

let copy: WorkspaceCopy;

beforeAll(() => {
  copy = copyWorkspace();
  // What is added to a service that was written by hand stays when others go.
  copy.run('npx nx g scaffold:job tidy-up --no-interactive');
  copy.run('git add --all && git -c user.name=test -c user.email=test@localhost commit --quiet --message "A job of the worker"');
  for (const [name, options] of Object.entries(services)) copy.run(`npx nx g scaffold:service ${name} ${options} --no-interactive`);
  copy.run('npx nx g scaffold:entity deliveries parcel --no-interactive');
  copy.run('npx nx g scaffold:cache deliveries --no-interactive');
  copy.run('npx nx g scaffold:cache deliveries parcel --no-interactive');
  copy.run('npx nx g scaffold:call deliveries track-parcel --entity parcel --no-interactive');
  copy.run('npx nx g scaffold:call pricing quote-price --no-interactive');
  copy.run('npx nx g scaffold:job remind-debtor --service invoices --no-interactive');
  copy.run('npx nx g scaffold:connect deliveries catalog --no-interactive');
  copy.run('npx nx g scaffold:connect invoices pricing --no-interactive');
}, 600_000);

afterAll(() => copy.remove());

it('pass lint and types as they are written', { timeout: 600_000 }, () => {
  expect(() => copy.run('npm run lint')).not.toThrow();
  expect(() => copy.run('npm run typecheck')).not.toThrow();
});

it("pass their tests, the alerts' with them, and have manifests that agree, two more databases among them", { timeout: 600_000 }, () => {
  const others = ['apps/worker/src/tidy-up', 'libs/rpc/src/contracts.spec.ts', 'libs/local-cluster/src/metrics/alert-rules.spec.ts', 'scripts/kubernetes'];
  const output = copy.run(`npm test -- ${[...names.map((name) => `apps/${name}`), ...others].join(' ')}`);
  for (const path of others) expect(output).toContain(path);
  expect(output).toMatch(/[1-9]\d* passed, 0 failed\s*$/);
});

it('leave nothing behind when they go', { timeout: 300_000 }, () => {
  for (const name of ['deliveries', 'invoices', 'pricing']) copy.run(`npx nx g scaffold:remove-service ${name} --no-interactive`);
  expect(copy.run('git status --porcelain')).toBe('');
});
