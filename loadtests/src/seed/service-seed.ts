import type { Client } from 'pg';

/** How much is seeded, and over which time. */
export interface SeedSize {
  scale: number;
  products: number;
  accounts: number;
  orders: number;
  /** First moment of the order history. */
  from: Date;
  /** Last moment of the order history. */
  until: Date;
}

/** The rows of one service's database. */
export interface ServiceSeed {
  service: string;
  /** Which of the service's databases; absent for a service with one. */
  shard?: 0 | 1;
  tables: readonly string[];
  /** Writes them on a connection that is inside a transaction; returns the rows of the main table. */
  write(client: Client, size: SeedSize): Promise<number>;
}
