import type { CallNode } from './call-tree.ts';

/** A part of the whole, largest first. */
export interface Cost {
  name: string;
  place: string;
  value: number;
  /** Of the whole profile, 0 to 1. */
  share: number;
}

/** What the code of each owner itself takes: an app, a library, a package, Node, the garbage collector. */
export function costsByOwner(tree: CallNode): Cost[] {
  return ranked(tree, (node) => [node.frame.owner, ''], (node) => node.self);
}

/** What each function itself takes. */
export function costsByFunction(tree: CallNode): Cost[] {
  return ranked(tree, ({ frame }) => [frame.name, frame.place], (node) => node.self);
}

/** What each function of ours takes with all that it calls; one that calls itself counts once. */
export function inclusiveCosts(tree: CallNode): Cost[] {
  const above = new Set<string>();
  const sums = new Map<string, Cost>();
  const walk = (node: CallNode) => {
    const { name, place, owner } = node.frame;
    const key = `${name} ${place}`;
    const counts = /^(apps|libs)\//.test(owner) && !above.has(key);
    if (counts) {
      above.add(key);
      const cost = sums.get(key) ?? { name, place, value: 0, share: 0 };
      cost.value += node.total;
      sums.set(key, cost);
    }
    node.children.forEach(walk);
    if (counts) above.delete(key);
  };
  walk(tree);
  return sorted(tree, [...sums.values()]);
}

function ranked(tree: CallNode, keyOf: (node: CallNode) => [name: string, place: string], valueOf: (node: CallNode) => number): Cost[] {
  const sums = new Map<string, Cost>();
  const walk = (node: CallNode) => {
    const [name, place] = keyOf(node);
    const cost = sums.get(`${name} ${place}`) ?? { name, place, value: 0, share: 0 };
    cost.value += valueOf(node);
    sums.set(`${name} ${place}`, cost);
    node.children.forEach(walk);
  };
  tree.children.forEach(walk);
  return sorted(tree, [...sums.values()]);
}

function sorted(tree: CallNode, costs: Cost[]): Cost[] {
  const ranked = costs.filter(({ value }) => value > 0).sort((a, b) => b.value - a.value);
  return ranked.map((cost) => ({ ...cost, share: cost.value / tree.total }));
}
