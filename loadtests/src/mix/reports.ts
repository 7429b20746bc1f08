import { integerBetween, pick, type Random } from '../random.ts';
import type { PlannedRequest } from './planned-request.ts';
import type { Shopper } from './shopper.ts';

/** As many reports as are looked at again. */
const KEPT_REPORTS = 50;
const DAY_MS = 86_400_000;

interface OrderedReport {
  id: string;
  owner: Shopper;
  done: boolean;
}

/** Report traffic: one request in ten has a new report of a week made; the others look how far one is, or fetch it. */
export class Reports {
  readonly #reports: OrderedReport[];

  /** @param found reports that existed before */
  constructor(found: readonly Omit<OrderedReport, 'done'>[]) {
    this.#reports = found.map(({ id, owner }) => ({ id, owner, done: false }));
  }

  /** @param customer who orders one, if one is ordered */
  next(random: Random, customer: Shopper, now: number): PlannedRequest {
    if (this.#reports.length === 0 || random() < 0.1) return this.#order(random, customer, now);
    const report = pick(random, this.#reports);
    const path = `/v1/reports/${report.id}`;
    if (report.done && random() < 0.5) {
      return report.owner.request('GET /v1/reports/:id/file', 'GET', `${path}/file`, { expected: 200 });
    }
    return report.owner.request('GET /v1/reports/:id', 'GET', path, {
      expected: 200,
      onBody: (body) => {
        report.done = (JSON.parse(body) as { state?: string }).state === 'done';
      },
    });
  }

  #order(random: Random, owner: Shopper, now: number): PlannedRequest {
    const from = now - integerBetween(random, 8, 600) * DAY_MS;
    return owner.request('POST /v1/reports', 'POST', '/v1/reports', {
      expected: 202,
      json: { kind: pick(random, ['sales-by-category', 'sales-by-month']), from: dayOf(from), to: dayOf(from + 6 * DAY_MS) },
      onBody: (body) => {
        const { id } = JSON.parse(body) as { id?: string };
        if (id === undefined) return;
        this.#reports.push({ id, owner, done: false });
        if (this.#reports.length > KEPT_REPORTS) this.#reports.shift();
      },
    });
  }
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
