/** Every table that holds rows of an account, which move with its bucket. */
export const bucketTables = [
  { name: 'orders', key: 'account_id' },
  { name: 'idempotency_keys', key: 'account_id' },
  { name: 'archived_orders', key: 'account_id' },
  { name: 'unpaid_orders', key: 'account_id' },
];
