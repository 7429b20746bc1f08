import { runMigrations } from '@tenfold/database';
import { databaseSettings, loadConfig } from '@tenfold/service';
import { migrations } from './migrations/index.ts';

await runMigrations({ url: loadConfig(databaseSettings).DATABASE_PRIMARY_URL, migrations });
