import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Where the rules of infra/prometheus lie as the Prometheus operator takes them. */
export const rulesFile = join(root, 'k8s/base/monitoring/rules.yaml');

/** Each file of rules in infra/prometheus as one PrometheusRule. */
export function prometheusRules(): string {
  const folder = join(root, 'infra/prometheus');
  const documents = readdirSync(folder)
    .filter((file) => file.endsWith('.rules.yml'))
    .sort()
    .map((file) =>
      stringify(
        {
          apiVersion: 'monitoring.coreos.com/v1',
          kind: 'PrometheusRule',
          metadata: { name: basename(file, '.rules.yml') },
          spec: parse(readFileSync(join(folder, file), 'utf8')) as unknown,
        },
        { lineWidth: 0 },
      ),
    );
  return `# Written by scripts/kubernetes/prometheus-rules.ts from infra/prometheus; a test compares them.\n${documents.join('---\n')}`;
}

if (import.meta.main) writeFileSync(rulesFile, prometheusRules());
