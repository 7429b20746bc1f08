import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Packages that bundles load at run time: piscina starts its threads from a file of its own, libpg-query is WebAssembly.
 * They are shipped beside the bundles.
 */
export const shippedPackages = ['piscina', 'libpg-query'];

/** Packages that stay outside of the bundles: the above, and those that Nest and TypeORM load only where they are used. */
const outside = [
  new RegExp(`^(${shippedPackages.join('|')})(/|$)`),
  /^@nestjs\/(websockets|platform-express|mongoose|sequelize|typeorm|axios)(\/|$)/,
  /^@(grpc|mikro-orm|prisma|google-cloud|sap|aws-sdk|fastify\/(static|view))(\/|-|$)/,
  /^(class-validator|class-transformer|pg-native|pg-query-stream|mongodb|mongoose|sequelize|express|mqtt|nats|amqplib|amqp-connection-manager)(\/|$)/,
  /^(better-sqlite3|sqlite3|sql\.js|mysql2?|mssql|oracledb|hdb-pool|redis|react-native-sqlite-storage|@electric-sql\/pglite|typeorm-aurora-data-api-driver|pino-pretty|ts-node|@swc\/core|cache-manager)(\/|$)/,
];

/** Every bundle of an app and the source it begins with. */
function entriesOf(app: string): Record<string, string> {
  const source = join(root, 'apps', app, 'src');
  const entries: Record<string, string> = { main: join(source, 'main.ts') };
  for (const file of globSync(['*.main.ts', '**/*.thread.ts'], { cwd: source })) {
    entries[basename(file).replace(/\.main\.ts$|\.ts$/, '')] = join(source, file);
  }
  return entries;
}

/** What the bundle of an app is made from, as one hash: unchanged sources need no build. */
function sourcesHash(app: string): string {
  const hash = createHash('sha256');
  const files = globSync([`apps/${app}/{src/**/*.ts,package.json}`, 'libs/*/{src/**/*.ts,package.json}', 'package-lock.json', 'scripts/build.ts'], {
    cwd: root,
  });
  for (const file of files.filter((file) => !file.endsWith('.spec.ts')).sort()) {
    hash.update(file).update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}

async function buildApp(app: string): Promise<void> {
  const output = join(root, 'dist', 'apps', app);
  const hash = sourcesHash(app);
  const hashFile = join(output, '.sources');
  if (existsSync(hashFile) && readFileSync(hashFile, 'utf8') === hash) return;

  await rm(output, { recursive: true, force: true });
  const bundle = await rolldown({
    input: entriesOf(app),
    platform: 'node',
    tsconfig: join(root, 'tsconfig.base.json'),
    external: outside,
    // Packages written for CommonJS look for their own neighbours at run time; those warnings are not ours to mend.
    onLog(level, log, handler) {
      if (level === 'warn' && !log.message.includes('node_modules')) handler(level, log);
    },
  });
  await bundle.write({
    dir: output,
    format: 'esm',
    sourcemap: true,
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    // reflect-metadata must have run before the first decorator, also across chunks.
    strictExecutionOrder: true,
    // Class names are what Nest and TypeORM show in messages and use as tokens.
    keepNames: true,
  });
  await bundle.close();
  await mkdir(output, { recursive: true });
  await writeFile(join(output, 'package.json'), '{ "type": "module" }\n');
  await writeFile(hashFile, hash);
  process.stdout.write(`built dist/apps/${app}\n`);
}

/**
 * Bundles services into `dist/apps/<name>/`, skipping those whose sources did not change.
 *
 * @param apps names of apps, default all
 */
export async function build(apps = globSync('*', { cwd: join(root, 'apps') }).sort()): Promise<void> {
  for (const app of apps) await buildApp(app);
}

if (import.meta.main) await build(process.argv.length > 2 ? process.argv.slice(2).map((name) => name.replace('@tenfold/', '')) : undefined);
