import { watchAddresses } from './address.source.ts';
import type { AddressSource } from './address.source.ts';
import type { CallCarrier, PendingCall } from './pending.call.ts';
import { ReplicaLink } from './replica.link.ts';
import type { LinkOptions } from './replica.link.ts';
import { leaveOutSlow, ReplicaRecord } from './replica.record.ts';

/** Milliseconds in which the share of a replica that has just come up grows to that of the others. */
const slowStartMs = 3000;

/** Looks (one every 20 ms) between comparisons of the replicas' latencies. */
const looksPerComparison = 50;

export interface Replica {
  readonly link: ReplicaLink;
  readonly record: ReplicaRecord;
}

export interface PoolOptions extends Omit<LinkOptions, 'onChange'> {
  addresses: string;
  /** A replica can take calls that could take none before. */
  onReady: () => void;
}

/** The replicas of one service: which there are, which of them to ask. */
export class ReplicaPool {
  readonly #replicas = new Map<string, Replica>();
  /** Of those that are no longer listed and still have calls to answer. */
  readonly #retired = new Set<ReplicaLink>();
  readonly #source: AddressSource;
  #ready: Replica[] = [];
  #looks = 0;
  #closed = false;

  constructor(private readonly options: PoolOptions) {
    this.#source = watchAddresses(options.addresses, (list) => this.#follow(list));
  }

  /** Replicas by what can be done with them, for metrics. */
  get states(): Record<'ready' | 'left-out' | 'away', number> {
    const ready = this.#ready.filter(({ record }) => record.state === 'good').length;
    return { ready, 'left-out': this.#ready.length - ready, away: this.#replicas.size - this.#ready.length };
  }

  get reachable(): boolean {
    return this.#ready.length > 0;
  }

  /** Why none is reachable. */
  get failures(): string {
    const reasons = new Set(Array.from(this.#replicas.values(), ({ link }) => link.lastFailure));
    return reasons.size > 0 ? [...reasons].join('; ') : 'no address known';
  }

  /**
   * The one with fewer calls in work of two at random, which comes close to the least busy of all: Mitzenmacher 2001.
   * Those that fail, are much slower than the others or do not stir are asked only when there is no other.
   */
  pick(except?: CallCarrier): Replica | undefined {
    const ready = this.#ready;
    if (ready.length < 2) return ready[0];
    const good = ready.filter((replica) => replica.link !== except && isGood(replica));
    const candidates = good.length > 0 ? good : ready;
    if (candidates.length === 1) return candidates[0];
    const first = Math.floor(Math.random() * candidates.length);
    const second = (first + 1 + Math.floor(Math.random() * (candidates.length - 1))) % candidates.length;
    const [left, right] = [candidates[first] as Replica, candidates[second] as Replica];
    if (isWarmingUp(left) !== isWarmingUp(right)) return isWarmingUp(left) ? right : left;
    return left.link.outstanding <= right.link.outstanding ? left : right;
  }

  /** To be called every 20 ms while there are calls. Returns those that are over. */
  look(now: number): PendingCall[] {
    const over: PendingCall[] = [];
    for (const { link } of this.#replicas.values()) {
      link.look();
      over.push(...link.over(now));
    }
    for (const link of this.#retired) {
      over.push(...link.over(now));
      if (link.outstanding === 0) this.#retired.delete(link);
    }
    this.#looks += 1;
    if (this.#looks % looksPerComparison === 0) leaveOutSlow(this.#ready.map(({ record }) => record));
    return over;
  }

  /** Calls that can be repeated and wait for a replica that does not stir, while another one is well. */
  stranded(): PendingCall[] {
    const silent = this.#ready.filter(({ link }) => link.silent);
    if (silent.length === 0 || !this.#ready.some(isGood)) return [];
    return silent.flatMap(({ link }) => link.repeatable());
  }

  recordOf({ address }: CallCarrier): ReplicaRecord | undefined {
    return this.#replicas.get(address)?.record;
  }

  close(): void {
    this.#closed = true;
    this.#source.close();
    this.options.certificates?.close();
    for (const { link } of this.#replicas.values()) link.close();
    for (const link of this.#retired) link.close();
  }

  #follow(addresses: readonly string[]): void {
    if (this.#closed) return;
    const wanted = new Set(addresses);
    for (const [address, { link }] of this.#replicas) {
      if (wanted.has(address)) continue;
      this.#replicas.delete(address);
      link.retire();
      this.#retired.add(link);
    }
    for (const address of wanted) {
      if (!this.#replicas.has(address)) this.#open(address);
    }
    this.#onChange();
  }

  #open(address: string): void {
    const link = new ReplicaLink(address, { ...this.options, onChange: () => this.#onChange() });
    this.#replicas.set(address, { link, record: new ReplicaRecord() });
  }

  #onChange(): void {
    const before = this.#ready.length;
    this.#ready = [...this.#replicas.values()].filter(({ link }) => link.ready);
    if (this.#ready.length > before) this.options.onReady();
  }
}

function isGood({ link, record }: Replica): boolean {
  if (link.congested || link.silent) return false;
  const { state } = record;
  return state === 'good' || (state === 'probing' && link.outstanding === 0);
}

/** By chance, the more often the shorter a replica has been up. */
function isWarmingUp({ link }: Replica): boolean {
  const age = performance.now() - link.readySince;
  return age < slowStartMs && Math.random() > age / slowStartMs;
}
