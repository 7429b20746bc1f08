import { CreateLedger1764000000000 } from './1764000000000-create-ledger.ts';

export const migrations = [CreateLedger1764000000000];
