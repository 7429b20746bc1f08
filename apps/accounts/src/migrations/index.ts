import { CreateAccounts1764000000000 } from './1764000000000-create-accounts.ts';

export const migrations = [CreateAccounts1764000000000];
