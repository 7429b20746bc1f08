import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { scalingPlan } from './capacity.ts';

const file = fileURLToPath(new URL('../../../docs/scaling-plan.md', import.meta.url));
writeFileSync(file, scalingPlan());
process.stdout.write(`written: ${file}\n`);
