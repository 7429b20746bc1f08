import { readTargets } from '../report/targets.ts';
import { readResults, resultsFolder } from '../results/result.files.ts';
import { measuredCosts } from './measured-costs.ts';
import { fitScalabilityLaw } from './scalability-law.ts';
import { demandAt, limitsOf } from './scaling-plan.ts';
import { scalingPlanPage } from './scaling-plan.page.ts';
import { readShipped } from './shipped.ts';

const FACTORS = [1, 10, 100];

/** The text of docs/scaling-plan.md, from the results that are kept for all to see. @throws LoadtestError `no-result` */
export function scalingPlan(): string {
  const costs = measuredCosts(readResults([resultsFolder]));
  const all = readShipped();
  // Of a service that was made since, nothing was measured.
  const shipped = { ...all, services: all.services.filter(({ name }) => costs.cpuSeconds.has(name)) };
  // The traffic that is expected, whichever machine this is written on.
  const target = readTargets().rate;
  return scalingPlanPage({
    costs,
    shipped,
    target,
    demands: FACTORS.map((factor) => demandAt(costs, shipped, target, factor)),
    limits: limitsOf(costs, shipped),
    law: fitScalabilityLaw(costs.points),
  });
}
