import { CreateMovedBuckets } from '@tenfold/database';
import { outboxMigrations } from '@tenfold/jobs';
import { CreateOrders1764000000001 } from './1764000000001-create-orders.ts';
import { CreateArchivedMonths1764000000002 } from './1764000000002-create-archived-months.ts';
import { EndStuckCheckouts1764000000010 } from './1764000000010-end-stuck-checkouts.ts';
import { IndexOpenCheckouts1764000000011 } from './1764000000011-index-open-checkouts.ts';
import { CreateArchivedOrders1764000000020 } from './1764000000020-create-archived-orders.ts';
import { AwaitPayment1764000000030 } from './1764000000030-await-payment.ts';
import { ValidateOrderStatus1764000000031 } from './1764000000031-validate-order-status.ts';

export const migrations = [
  ...outboxMigrations,
  CreateMovedBuckets,
  CreateOrders1764000000001,
  CreateArchivedMonths1764000000002,
  EndStuckCheckouts1764000000010,
  IndexOpenCheckouts1764000000011,
  CreateArchivedOrders1764000000020,
  AwaitPayment1764000000030,
  ValidateOrderStatus1764000000031,
];
