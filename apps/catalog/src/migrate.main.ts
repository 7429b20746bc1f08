import { migrateMain } from '@tenfold/database';
import { migrations } from './migrations/index.ts';

await migrateMain(migrations);
