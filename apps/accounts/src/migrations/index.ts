import { CreateAccounts1764000000000 } from './1764000000000-create-accounts.ts';
import { DisableAccounts1764100000000 } from './1764100000000-disable-accounts.ts';
import { IndexAccountsByAge1764200000000 } from './1764200000000-index-accounts-by-age.ts';

export const migrations = [CreateAccounts1764000000000, DisableAccounts1764100000000, IndexAccountsByAge1764200000000];
