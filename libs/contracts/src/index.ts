export { defineCalls } from './call.contract.ts';
export type {
  AnswerOf,
  Call,
  CallContract,
  CallDefinition,
  ErrorCodeOf,
  CallPriority,
  RequestOf,
  ResponseOf,
  ValidRequestOf,
} from './call.contract.ts';
export { defineEvent, defineJob } from './message.contract.ts';
export type { Event, Job, Message, PayloadOf, Priority } from './message.contract.ts';
export { allMessages } from './all-messages.ts';
export { deadLetterTopicOf, retryTopicOf, topicsOf } from './topic-names.ts';
export type { Topic } from './topic-names.ts';
export {
  cursor,
  email,
  idempotencyKey,
  instant,
  integerId,
  itemQuantity,
  pageLimit,
  pageOf,
  priceCents,
  uuid,
} from './fields.contract.ts';
export type { ItemQuantity } from './fields.contract.ts';
export { account, accountsCalls, credentials, listedAccount, newAccount, pageNumber } from './accounts.contract.ts';
export type { Account } from './accounts.contract.ts';
export { catalogCalls, product, productChange, productChanged, productFilter, productSort, productSummary, sortDirection } from './catalog.contract.ts';
export type { Category, Product, ProductSummary } from './catalog.contract.ts';
export { inventoryCalls, stock } from './inventory.contract.ts';
export type { Stock } from './inventory.contract.ts';
export {
  compensateOrder,
  order,
  orderLine,
  orderMonth,
  orderOfAccount,
  orderPage,
  orderPlaced,
  ordersCalls,
  orderSummary,
  sendCancellation,
  sendReceipt,
  takePayment,
  unpaidReason,
} from './orders.contract.ts';
export type { Order, OrderPage, OrderSummary, UnpaidReason } from './orders.contract.ts';
export { buildReport, newReport, archiveOrders, ensureOrderPartitions, rebuildSales, report, reportKind, workerCalls } from './worker.contract.ts';
export type { Report } from './worker.contract.ts';
