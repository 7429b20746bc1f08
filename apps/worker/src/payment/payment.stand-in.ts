import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '@tenfold/database';
import { fateOf } from './payment.rules.ts';
import type { Fate, PaymentRules } from './payment.rules.ts';

export interface PaymentRequest {
  /** The same for the same payment, however often it is asked for: it is taken once. */
  key: string;
  amountCents: number;
}

export interface PaymentAnswer {
  key: string;
  outcome: 'accepted' | 'declined';
}

const delayMs = 2000;

/**
 * In place of a payment provider, as far as its books and its answers go: it takes each payment once by its key, in a
 * transaction of its own, and answers as its rules want. Money it has none.
 */
export class PaymentStandIn {
  readonly #database: Database;
  readonly #rules: PaymentRules;

  constructor(database: Database, rules: PaymentRules) {
    this.#database = database;
    this.#rules = rules;
  }

  /** Takes payments. @returns what it answers: of some perhaps nothing, of some twice */
  async take(requests: readonly PaymentRequest[]): Promise<PaymentAnswer[]> {
    const fates = new Map(requests.map(({ key }) => [key, fateOf(key, this.#rules)]));
    const heard = requests.filter(({ key }) => fates.get(key) !== 'silent');
    if (heard.length === 0) return [];
    const given = heard.map(({ key, amountCents }) => ({ key, amount: amountCents, state: fates.get(key) === 'decline' ? 'declined' : 'accepted' }));
    const booked = await this.#database.write((tx) => tx.query<Booked[]>(takeSql, [JSON.stringify(given)]));
    if (heard.some(({ key }) => fates.get(key) === 'delay')) await sleep(delayMs);
    return booked.flatMap((entry) => answersTo(entry, fates.get(entry.key) ?? 'accept'));
  }

  /** Closes a payment: one that was taken is given back, one that comes later is declined. */
  async cancel(key: string): Promise<void> {
    await this.#database.write((tx) => tx.query(cancelSql, [key]));
  }
}

interface Booked {
  key: string;
  state: 'accepted' | 'declined' | 'voided' | 'refunded';
  asked: number;
}

function answersTo({ key, state, asked }: Booked, fate: Fate): PaymentAnswer[] {
  if (fate === 'lose' && asked === 1) return [];
  const answer: PaymentAnswer = { key, outcome: state === 'accepted' ? 'accepted' : 'declined' };
  return fate === 'double' ? [answer, answer] : [answer];
}

const takeSql = `
  insert into stand_in_payments as known (key, amount_cents, state)
  select key, amount, state from jsonb_to_recordset($1) as given (key uuid, amount bigint, state text) order by key
  on conflict (key) do update set asked = known.asked + 1
  returning key, state, asked`;

const cancelSql = `
  insert into stand_in_payments as known (key, amount_cents, state) values ($1, 0, 'voided')
  on conflict (key) do update set state = 'refunded' where known.state = 'accepted'`;
