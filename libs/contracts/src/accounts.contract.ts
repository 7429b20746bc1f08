import { z } from 'zod';
import { defineCalls } from './call.contract.ts';
import { email, instant, pageLimit, uuid } from './fields.contract.ts';

export const account = z.strictObject({
  id: uuid,
  email: z.string(),
  name: z.string(),
  role: z.enum(['customer', 'admin']),
  createdAt: instant,
});
export type Account = z.output<typeof account>;

/** An account as an admin's list shows it. */
export const listedAccount = account.extend({ disabled: z.boolean() });

/** What a page by its number skips is read for nothing: further down than this, it is refused. */
const mostSkipped = 100_000;

/** From 1. */
export const pageNumber = z.int().min(1).max(mostSkipped);

/** A password that somebody chooses. */
export const newPassword = z.string().min(10).max(256);

export const newAccount = z.strictObject({
  email,
  password: newPassword,
  name: z.string().trim().min(1).max(100),
});

export const credentials = z.strictObject({ email, password: z.string().min(1).max(256) });

export const accountsCalls = defineCalls('accounts', {
  signUp: { priority: 'high', request: newAccount, response: account, errors: ['email-taken'], idempotent: false, deadlineMs: 5000, statements: 1 },
  /** Takes the same time whether the account is unknown or the password wrong. */
  checkPassword: { priority: 'high', request: credentials, response: account, errors: ['wrong-credentials'], idempotent: true, deadlineMs: 5000, statements: 2 },
  /** Done also when the new password is the account's already: who got no answer asks again. */
  changePassword: {
    request: z.strictObject({ id: uuid, password: credentials.shape.password, newPassword }),
    response: account,
    errors: ['wrong-credentials'],
    idempotent: true,
    deadlineMs: 5000,
    statements: 2,
  },
  /** Who is disabled cannot log in. */
  setDisabled: {
    request: z.strictObject({ id: uuid, disabled: z.boolean() }),
    response: account,
    errors: ['not-found'],
    idempotent: true,
    statements: 2,
  },
  getAccount: { request: z.strictObject({ id: uuid }), response: account, errors: ['not-found'], idempotent: true, statements: 1 },
  /** Unknown ids are left out of the answer. */
  getAccounts: {
    request: z.strictObject({ ids: z.array(uuid).min(1).max(200) }),
    response: z.strictObject({ items: z.array(account) }),
    errors: [],
    idempotent: true,
    statements: 1,
  },
  /** By page number and with how many there are, the latest first; the one list by offset. `total` may have changed by the next page. */
  listAccounts: {
    priority: 'low',
    request: z
      .strictObject({ page: pageNumber.default(1), limit: pageLimit.default(20) })
      .refine(({ page, limit }) => (page - 1) * limit <= mostSkipped, { path: ['page'], message: `must not skip more than ${mostSkipped}` }),
    response: z.strictObject({ items: z.array(listedAccount), total: z.int().min(0) }),
    errors: [],
    idempotent: true,
    statements: 2,
  },
});
