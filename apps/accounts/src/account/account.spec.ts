import { randomBytes, scryptSync } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { Database } from '@tenfold/database';
import { createContext, runInContext } from '@tenfold/telemetry';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { startAccounts } from '../accounts.fixture.ts';
import { AccountEntity } from './account.entity.ts';
import { AccountHandler } from './account.handler.ts';
import { decoyHash, hashPassword, verifyPassword } from './password.hash.ts';
import { PasswordHasher } from './password.hasher.ts';

const password = 'correct horse battery';

describe('accounts', () => {
  let service: Awaited<ReturnType<typeof startAccounts>>;
  let accounts: AccountHandler;

  beforeAll(async () => {
    service = await startAccounts();
    accounts = service.module.get(AccountHandler);
  });
  afterAll(() => service.close());

  /** As one session: what it wrote it reads, whichever replica answers. */
  const asOneSession = <T>(run: () => Promise<T>) =>
    runInContext(createContext(), run);

  it('lets in who signed up', () =>
    asOneSession(async () => {
      const { id } = await accounts.signUp({ email: 'ada@example.org', password, name: 'Ada' });
      expect(await accounts.checkPassword({ email: 'ada@example.org', password })).toMatchObject({ id, role: 'customer' });
      expect(await accounts.getAccount({ id })).toMatchObject({ email: 'ada@example.org', name: 'Ada' });
    }));

  it('lets in, at once and without a session, who has just signed up', async () => {
    const { id } = await accounts.signUp({ email: 'lin@example.org', password, name: 'Lin' });
    expect(await accounts.checkPassword({ email: 'lin@example.org', password })).toMatchObject({ id });
  });

  it('gives those of many accounts that exist', () =>
    asOneSession(async () => {
      const { id } = await accounts.signUp({ email: 'mae@example.org', password, name: 'Mae' });
      const { items } = await accounts.getAccounts({ ids: [id, '00000000-0000-4000-8000-000000000000'] });
      expect(items).toMatchObject([{ id, email: 'mae@example.org' }]);
    }));

  it('lists accounts by page number, the latest first, with how many there are and without a hash', () =>
    asOneSession(async () => {
      const ids: string[] = [];
      for (const name of ['Una', 'Dua', 'Tria']) ids.unshift((await accounts.signUp({ email: `${name}@example.org`.toLowerCase(), password, name })).id);
      await accounts.setDisabled({ id: ids[2] ?? '', disabled: true });
      const first = await accounts.listAccounts({ page: 1, limit: 2 });
      expect(first.items.map(({ id }) => id)).toEqual(ids.slice(0, 2));
      const second = await accounts.listAccounts({ page: 2, limit: 2 });
      expect(second.items[0]).toMatchObject({ id: ids[2], name: 'Una', disabled: true });
      expect(JSON.stringify(first)).not.toContain('scrypt');
      expect(second.total).toBe(first.total);
      expect(await accounts.listAccounts({ page: 1000, limit: 100 })).toEqual({ items: [], total: first.total });
    }));

  it('refuses a wrong password and an unknown address alike', () =>
    asOneSession(async () => {
      await accounts.signUp({ email: 'eve@example.org', password, name: 'Eve' });
      const refusals = await Promise.all(
        ['eve@example.org', 'nobody@example.org'].map((email) =>
          accounts.checkPassword({ email, password: 'wrong' }).catch((error: Error) => error),
        ),
      );
      expect(refusals[0]).toMatchObject({ code: 'wrong-credentials' });
      expect(refusals[1]).toEqual(refusals[0]);
    }));

  it('takes the new password alone once it has changed, also when the change is asked for twice', async () => {
    const { id } = await accounts.signUp({ email: 'mia@example.org', password, name: 'Mia' });
    const newPassword = 'another horse battery';
    await expect(accounts.changePassword({ id, password: 'wrong password', newPassword })).rejects.toMatchObject({ code: 'wrong-credentials' });
    await accounts.changePassword({ id, password, newPassword });
    await accounts.changePassword({ id, password, newPassword });
    await expect(accounts.checkPassword({ email: 'mia@example.org', password })).rejects.toMatchObject({ code: 'wrong-credentials' });
    expect(await accounts.checkPassword({ email: 'mia@example.org', password: newPassword })).toMatchObject({ id });
  });

  it('lets nobody in who is disabled, and says no more than for a wrong password', async () => {
    const { id } = await accounts.signUp({ email: 'dis@example.org', password, name: 'Dis' });
    await accounts.setDisabled({ id, disabled: true });
    const refusal = await accounts.checkPassword({ email: 'dis@example.org', password }).catch((error: Error) => error);
    expect(refusal).toMatchObject({ code: 'wrong-credentials' });
    await accounts.setDisabled({ id, disabled: false });
    expect(await accounts.checkPassword({ email: 'dis@example.org', password })).toMatchObject({ id });
  });

  it('hashes a password anew, at its next log-in, that was hashed with older parameters', async () => {
    const { id } = await accounts.signUp({ email: 'old@example.org', password, name: 'Old' });
    const database = service.module.get(Database);
    const hashOf = async () => (await database.write((tx) => tx.findOneByOrFail(AccountEntity, { id }))).passwordHash;
    const salt = randomBytes(16);
    const unpadded = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '');
    const cheap = `$scrypt$ln=10,r=8,p=1$${unpadded(salt)}$${unpadded(scryptSync(password, salt, 32, { N: 1024, r: 8, p: 1 }))}`;
    await database.write((tx) => tx.update(AccountEntity, { id }, { passwordHash: cheap }));
    await expect(accounts.checkPassword({ email: 'old@example.org', password: 'wrong' })).rejects.toMatchObject({ code: 'wrong-credentials' });
    expect(await hashOf()).toBe(cheap);
    await accounts.checkPassword({ email: 'old@example.org', password });
    expect(await hashOf()).toMatch(/^\$scrypt\$ln=15,r=8,p=3\$/);
    expect(await accounts.checkPassword({ email: 'old@example.org', password })).toMatchObject({ id });
  });

  it('does the same work for an unknown address as for a known one', async () => {
    await accounts.signUp({ email: 'work@example.org', password, name: 'Work' });
    const verified = vi.spyOn(service.module.get(PasswordHasher), 'verify');
    onTestFinished(() => verified.mockRestore());
    for (const email of ['work@example.org', 'unknown@example.org']) await accounts.checkPassword({ email, password: 'wrong' }).catch(() => undefined);
    expect(verified).toHaveBeenCalledTimes(2);
    const costOf = (hash: string) => hash.split('$').slice(0, 3).join('$');
    expect(costOf(decoyHash())).toBe(costOf(verified.mock.calls[0]?.[1] ?? ''));
  });

  it('gives an address to one of two who sign up at the same instant', async () => {
    const results = await Promise.allSettled(
      ['One', 'Two'].map((name) => accounts.signUp({ email: 'twins@example.org', password, name })),
    );
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'email-taken' } });
  });

  it.runIf(process.platform === 'linux')('checks passwords in threads that leave the cores to all others', async () => {
    await accounts.checkPassword({ email: 'nobody@example.org', password }).catch(() => undefined);
    // proc(5): the priority of a thread is the 19th field of its stat, the 17th after its name in brackets.
    const threads = readdirSync('/proc/self/task').map((thread) => readFileSync(`/proc/self/task/${thread}/stat`, 'utf8').replace(/^.*\) /, '').split(' ')[16]);
    expect(threads).toContain('10');
    expect(getPriority()).toBe(0);
  });

  it('refuses at once when too many passwords wait', async () => {
    const checks = Array.from({ length: 30 }, () => accounts.checkPassword({ email: 'nobody@example.org', password }));
    const codes = (await Promise.allSettled(checks)).map((result) => (result as PromiseRejectedResult).reason.code);
    expect(codes).toContain('overloaded');
    expect(codes).toContain('wrong-credentials');
  }, 30_000);
});

describe('a password hash', () => {
  it('never holds the password and differs each time', () => {
    const [one, other] = [hashPassword(password), hashPassword(password)];
    expect(one).not.toBe(other);
    expect(one).not.toContain(password);
    expect(verifyPassword(password, one)).toBe(true);
    expect(verifyPassword(`${password}!`, one)).toBe(false);
  });

  it('is checked with the parameters it names', () => {
    // N = 2^10, r = 8, p = 16: RFC 7914's second test vector.
    const salt = Buffer.from('NaCl').toString('base64').replaceAll('=', '');
    const hash = Buffer.from('fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162', 'hex').toString('base64').replaceAll('=', '');
    expect(verifyPassword('password', `$scrypt$ln=10,r=8,p=16$${salt}$${hash}`)).toBe(true);
  });
});
