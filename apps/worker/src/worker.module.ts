import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { accountsCalls, ordersCalls } from '@tenfold/contracts';
import { Database, DatabaseModule } from '@tenfold/database';
import { ConsumersModule, JobStates, OutboxModule, SchedulesModule } from '@tenfold/jobs';
import { CallsModule } from '@tenfold/rpc';
import { CancellationJob } from './cancellation/cancellation.job.ts';
import { PaymentJob } from './payment/payment.job.ts';
import { PaymentStandIn } from './payment/payment.stand-in.ts';
import { Mailer } from './receipt/mailer.ts';
import { ReceiptJob } from './receipt/receipt.job.ts';
import { ReportEntity } from './report/report.entity.ts';
import { ReportFiles } from './report/report-files.ts';
import { ReportHandler } from './report/report.handler.ts';
import { ReportJob } from './report/report.job.ts';
import { ReportRepository } from './report/report.repository.ts';
import { ReportThreads } from './report/report.threads.ts';
import { SalesProjection } from './sales/sales.projection.ts';
import { SalesRebuild } from './sales/sales.rebuild.ts';
import { SalesRepository } from './sales/sales.repository.ts';
import { OrdersUpkeep } from './upkeep/orders.upkeep.ts';
import { upkeepSchedules } from './upkeep/upkeep.schedules.ts';
import { workerMessages } from './worker.messages.ts';
import type { WorkerConfig } from './worker.settings.ts';

/** What need not be done while a customer waits: payments, mails, reports, the sales projection, upkeep. */
@Module({
  controllers: [ReportHandler],
  providers: [CancellationJob, PaymentJob, ReceiptJob, ReportJob, ReportRepository, SalesProjection, SalesRebuild, SalesRepository, OrdersUpkeep],
})
export class WorkerModule {
  static register(config: WorkerConfig): DynamicModule {
    const security = { secret: config.CALLS_SECRET, tlsDirectory: config.CALLS_TLS_DIRECTORY };
    return {
      module: WorkerModule,
      imports: [
        DatabaseModule.register({
          name: 'worker',
          entities: [ReportEntity],
          primaryUrl: config.DATABASE_PRIMARY_URL,
          replicaUrls: config.DATABASE_REPLICA_URLS,
        }),
        OutboxModule.register({
          brokers: config.KAFKA_BROKERS,
          databases: (moduleRef) => [moduleRef.get(Database, { strict: false })],
        }),
        ConsumersModule.register({
          group: 'worker',
          brokers: config.KAFKA_BROKERS,
          instance: config.REPLICA,
          messages: workerMessages,
        }),
        SchedulesModule.register({ schedules: upkeepSchedules }),
        CallsModule.register({ contract: accountsCalls, addresses: config.CALL_ADDRESSES_ACCOUNTS, ...security }),
        CallsModule.register({ contract: ordersCalls, addresses: config.CALL_ADDRESSES_ORDERS, ...security }),
      ],
      providers: [
        { provide: PaymentStandIn, useFactory: (database: Database) => new PaymentStandIn(database, config.PAYMENT_STAND_IN), inject: [Database] },
        { provide: Mailer, useFactory: () => new Mailer(config.SMTP_URL) },
        { provide: ReportFiles, useFactory: () => new ReportFiles(config.OBJECT_STORE_DIR) },
        { provide: ReportThreads, useFactory: () => new ReportThreads({ objectStore: config.OBJECT_STORE_DIR }) },
        { provide: JobStates, useFactory: (database: Database) => new JobStates(database), inject: [Database] },
      ],
    };
  }
}
