import { Logger } from '@nestjs/common';
import type { DatabaseNode } from './database.node.ts';
import type { ResolvedBehaviour } from './database.options.ts';
import type { NodeSample } from './node.monitor.ts';
import { ReplicaEjection } from './replica.ejection.ts';

// 60 s at the default interval: far beyond any lag limit.
const rememberedPositions = 240;

/** What is known of one node beside its last sample. */
interface Standing {
  ejection: ReplicaEjection;
  /** When the primary was first seen beyond where the node is; absent while it has all. */
  behindSince?: number | undefined;
  /** The last timeline that it was seen to receive; stays while it receives nothing. */
  timeline?: number | undefined;
}

/**
 * Who is who among the nodes of one database, by what they say of themselves.
 *
 * Terminology
 * - Primary: the node that takes writes. Of those that are not in recovery it is the one on the highest timeline, so a
 *   promotion is followed and a former primary that comes back is not: that one is *fenced*, for reads as well.
 * - Position: where in the write-ahead log a node is, as a number of bytes.
 * - Lag: how long ago the primary was where the replica is now, by this process's clock, so that neither an idle
 *   primary nor clocks that differ count as lag.
 */
export class Topology {
  readonly nodes: readonly DatabaseNode[];
  readonly #behaviour: ResolvedBehaviour;
  readonly #logger = new Logger('Database');
  readonly #standings = new Map<DatabaseNode, Standing>();
  readonly #onPromotion: (former: DatabaseNode) => void;
  readonly #primaryPositions: { at: number; bytes: number }[] = [];
  #primary: DatabaseNode | undefined;
  /** The highest that any node has been seen on. */
  #timeline = 0;
  #firstTimeline = 0;
  #turn = 0;

  /** @param onPromotion called with the node that is the primary no more, whose transactions must end */
  constructor(nodes: readonly DatabaseNode[], behaviour: ResolvedBehaviour, onPromotion: (former: DatabaseNode) => void) {
    this.nodes = nodes;
    this.#behaviour = behaviour;
    this.#onPromotion = onPromotion;
    for (const node of nodes) this.#standings.set(node, { ejection: new ReplicaEjection() });
  }

  /**
   * The primary if it is up. Undefined until every node has been looked at once, and while a standby follows a later
   * one that has not answered yet: what is known as the primary may be a former one.
   */
  get primary(): DatabaseNode | undefined {
    const primary = this.#primary;
    if (!primary?.up || !primary.lastSample || primary.lastSample.inRecovery || !this.known) return undefined;
    return (this.#standing(primary).timeline ?? 0) >= this.#timeline ? primary : undefined;
  }

  /** Whether it is the {@link primary}. */
  isPrimary(node: DatabaseNode): boolean {
    return node === this.#primary && node === this.primary;
  }

  /** Whether each node has answered or failed to answer by now. */
  get known(): boolean {
    return this.nodes.every((node) => node.known);
  }

  /** What the node is to this process; a node that never answered is what it was configured to be. */
  roleOf(node: DatabaseNode): 'primary' | 'replica' | 'fenced' {
    if (!node.lastSample) return node.configuredRole;
    if (node.lastSample.inRecovery) return 'replica';
    return node === this.#primary ? 'primary' : 'fenced';
  }

  lagMs(node: DatabaseNode): number {
    return lagMsOf(this.#standings.get(node));
  }

  lagBytes(node: DatabaseNode): number {
    const primary = this.#primaryPositions.at(-1)?.bytes;
    if (primary === undefined || !node.lastSample?.inRecovery) return 0;
    return Math.max(0, primary - node.lastSample.bytes);
  }

  /** The node has answered a sample. */
  answered(node: DatabaseNode, sample: NodeSample): void {
    if (sample.inRecovery) this.#noteReplica(node, sample);
    else this.#notePrimary(node, sample);
  }

  /** The node did not answer, or its connections keep breaking. */
  lost(node: DatabaseNode): void {
    if (this.#standing(node).ejection.lose(Date.now())) {
      this.#logger.warn(`${this.#behaviour.name}: ${node.name} is out`);
    }
  }

  /**
   * The replica for a read: by least outstanding work, in turn where that is equal, among those that are up, in, within
   * the limits of lag, and at or past the position. The primary when there is none.
   */
  choose(position: number | undefined, except?: DatabaseNode): DatabaseNode | undefined {
    const { nodes } = this;
    let chosen: DatabaseNode | undefined;
    this.#turn = (this.#turn + 1) % nodes.length;
    for (let index = 0; index < nodes.length; index += 1) {
      const node = nodes[(this.#turn + index) % nodes.length];
      if (!node || node === except || !this.#serves(node) || !hasReached(node, position)) continue;
      if (!chosen || node.outstanding < chosen.outstanding) chosen = node;
    }
    if (chosen) return chosen;
    const { primary } = this;
    return primary !== except ? primary : undefined;
  }

  /** With the primary down a replica's lag matters no more, only the position, and that it is not fenced. */
  chooseAnyReplica(position: number | undefined): DatabaseNode | undefined {
    return this.nodes.find((node) => this.#isReplica(node) && hasReached(node, position));
  }

  /** Replicas that serve reads and are so little behind that waiting for them is worth while. */
  catchingUp(): DatabaseNode[] {
    const patience = 2 * this.#behaviour.sampleIntervalMs;
    return this.nodes.filter((node) => this.#serves(node) && this.lagMs(node) < patience);
  }

  #serves(node: DatabaseNode): boolean {
    if (!node.up || !node.lastSample?.inRecovery) return false;
    const standing = this.#standing(node);
    if (standing.ejection.out || !this.#isInTimeline(standing)) return false;
    return lagMsOf(standing) <= this.#behaviour.maximumLagMs && this.lagBytes(node) <= this.#behaviour.maximumLagBytes;
  }

  #isReplica(node: DatabaseNode): boolean {
    return node.up && node.lastSample?.inRecovery === true && this.#isInTimeline(this.#standing(node));
  }

  /** One that still follows a former primary has another history, where positions mean something else. */
  #isInTimeline({ timeline }: Standing): boolean {
    return timeline === undefined ? this.#timeline === this.#firstTimeline : timeline >= this.#timeline;
  }

  #noteReplica(node: DatabaseNode, sample: NodeSample): void {
    const standing = this.#standing(node);
    standing.timeline = sample.timeline ?? standing.timeline;
    this.#timeline = Math.max(this.#timeline, standing.timeline ?? 0);
    this.#firstTimeline ||= this.#timeline;
    let behindSince: number | undefined;
    for (let index = this.#primaryPositions.length - 1; index >= 0; index -= 1) {
      const known = this.#primaryPositions[index];
      if (!known || known.bytes <= sample.bytes) break;
      behindSince = known.at;
    }
    standing.behindSince = behindSince;
    const target = this.primary ? this.#primaryPositions.at(-1)?.bytes : undefined;
    if (standing.ejection.answered(Date.now(), sample.bytes, target)) {
      this.#logger.log(`${this.#behaviour.name}: ${node.name} is back`);
    }
  }

  #notePrimary(node: DatabaseNode, sample: NodeSample): void {
    const standing = this.#standing(node);
    standing.behindSince = undefined;
    standing.timeline = sample.timeline ?? undefined;
    if (standing.ejection.answered(Date.now(), sample.bytes, undefined)) this.#logger.log(`${this.#behaviour.name}: ${node.name} is back`);
    const timeline = sample.timeline ?? 0;
    const known = this.#primary && (this.#standing(this.#primary).timeline ?? 0);
    if (node !== this.#primary && (known === undefined || timeline > known)) this.#follow(node, timeline);
    this.#timeline = Math.max(this.#timeline, timeline);
    this.#firstTimeline ||= timeline;
    if (node !== this.#primary) return;
    if (this.#primaryPositions.at(-1)?.bytes === sample.bytes) return;
    this.#primaryPositions.push({ at: sample.at, bytes: sample.bytes });
    if (this.#primaryPositions.length > rememberedPositions) this.#primaryPositions.shift();
  }

  #follow(node: DatabaseNode, timeline: number): void {
    const former = this.#primary;
    this.#primary = node;
    this.#primaryPositions.length = 0;
    if (!former) return;
    this.#logger.warn(`${this.#behaviour.name}: ${node.name} is the primary now, on timeline ${timeline}; ${former.name} is not`);
    this.#onPromotion(former);
  }

  #standing(node: DatabaseNode): Standing {
    const standing = this.#standings.get(node);
    if (!standing) throw new RangeError('a node of another database');
    return standing;
  }
}

function lagMsOf(standing: Standing | undefined): number {
  const since = standing?.behindSince;
  return since === undefined ? 0 : Date.now() - since;
}

function hasReached(node: DatabaseNode, position: number | undefined): boolean {
  return position === undefined || (node.lastSample?.bytes ?? -1) >= position;
}
