import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { composeFile } from './write-services.ts';

const usage = `Usage: npm run stand-in-images [-- NAME...]

Builds images for docker-compose.yml under the names that it asks for, from Debian's packages, npm and Maven Central:
for machines that cannot pull images, and for those alone. See infra/stand-in-images/README.md.
`;

const infra = fileURLToPath(new URL('../../infra', import.meta.url));
const dockerfile = join(infra, 'stand-in-images/Dockerfile');

/** Image that compose asks for, by the target that takes its place. */
function imagesByTarget(): Map<string, string> {
  const targets = new Set([...readFileSync(dockerfile, 'utf8').matchAll(/^FROM debian AS (\S+)$/gm)].map(([, target = '']) => target));
  const images = [...readFileSync(composeFile, 'utf8').matchAll(/^ +image: (\S+)$/gm)].map(([, image = '']) => image);
  const named = images.map((image): [string, string] => [image.split('/').at(-1)?.split(':')[0] ?? '', image]);
  return new Map(named.filter(([target, image]) => targets.has(target) && !image.startsWith('tenfold/')));
}

/** @returns whether it went well */
function runs(program: string, args: readonly string[]): boolean {
  const { status, error } = spawnSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (error) throw error;
  return status === 0;
}

/** Kafka's jars, for the image to take over: Maven has this machine's settings here. A builder without BuildKit makes every target's image on the way to another. */
function fetchJars(): boolean {
  const folder = join(infra, 'kafka/lib/stand-in');
  return existsSync(folder) || runs('mvn', ['-q', '-B', '-f', join(infra, 'kafka/pom.xml'), 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${folder}`]);
}

const wanted = process.argv.slice(2);
const images = imagesByTarget();
if (wanted.some((name) => !images.has(name))) {
  process.stderr.write(`${usage}\nThere are ${[...images.keys()].join(', ')}.\n`);
  process.exitCode = 2;
} else if (!fetchJars()) process.exitCode = 1;
else {
  for (const [target, image] of images) {
    if (wanted.length > 0 && !wanted.includes(target)) continue;
    const built = runs('docker', ['build', '--quiet', '--target', target, '--tag', image, '--file', dockerfile, infra]);
    if (!built) {
      process.exitCode = 1;
      break;
    }
    process.stdout.write(`${image} is a stand-in\n`);
  }
}
