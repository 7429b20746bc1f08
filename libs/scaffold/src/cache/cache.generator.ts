import { join } from 'node:path';
import { generateFiles, logger } from '@nx/devkit';
import type { GeneratorCallback, Tree } from '@nx/devkit';
import { editJson } from '../edits/json.edit.ts';
import { addElement, addFrom, addImport, replaceInMethod } from '../edits/source.edit.ts';
import { rewriteGenerated } from '../generated-files.ts';
import { pluralOf, spellingsOf } from '../names.ts';
import { addCacheManifests } from '../service/service.manifests.ts';
import { addLibrary } from '../service/service.package.ts';
import type { ServicePlan } from '../service/service.plan.ts';
import { substitutionsOf, templates } from '../service/service.generator.ts';
import { readWorkspace, requireEntity, requireRecords } from '../workspace.ts';
import type { ServicePackage } from '../workspace.ts';

export interface CacheOptions {
  service: string;
  /** What is read through it, in the singular. Default: what the service was made with. */
  name?: string;
}

/**
 * Puts the reads by id of an entity behind the two-level cache, which forgets one when it is created or its job changes it;
 * with a test. A service without a cache is given one. The same again changes nothing.
 *
 * @throws ScaffoldError `unknown-service`, `bad-options`, `unknown-entity`; `unknown-source` when the handler of the entity
 * no longer reads as it was generated
 */
export default function cache(tree: Tree, { service, name }: CacheOptions): GeneratorCallback | undefined {
  const made = requireRecords(tree, service, 'a cache');
  const entity = spellingsOf(requireEntity(service, made, name));
  if (tree.exists(`apps/${service}/src/${entity.kebab}/${entity.kebab}.cache.ts`)) {
    logger.info(`${service} reads ${pluralOf(entity.words)} through a cache already; nothing to do.`);
    return undefined;
  }
  const features = { calls: true, database: true, http: made.features.includes('http'), jobs: false, cache: true };
  const plan: ServicePlan = { workspace: readWorkspace(tree), service: spellingsOf(service), entity, plural: spellingsOf(pluralOf(entity.kebab)), ...features };
  readThroughCache(tree, plan);
  forgetWithJob(tree, plan);
  addToModule(tree, plan);
  addSettings(tree, plan);
  generateFiles(tree, join(templates, 'cache'), '.', substitutionsOf(plan, '', made.features.includes('jobs')));
  return () => {
    rewriteGenerated(tree.root);
    logger.info(
      `\n${service} reads ${plan.plural.words} through its cache now. Whoever else changes one calls ${entity.pascal}Cache.forget once that is committed. ` +
        `Next: npm test -- apps/${service}`,
    );
  };
}

function readThroughCache(tree: Tree, { service, entity, plural }: ServicePlan): void {
  const path = `apps/${service.kebab}/src/${entity.kebab}/${entity.kebab}.handler.ts`;
  const [create, get, convert] = [`create${entity.pascal}`, `get${entity.pascal}`, `to${entity.pascal}`];
  replaceInMethod(tree, path, get, new RegExp(`\\bthis\\.${plural.camel}\\.find\\(id\\)`), 'this.cache.find(id)');
  replaceInMethod(tree, path, get, new RegExp(`\\breturn ${convert}\\(found\\)`), 'return found');
  replaceInMethod(
    tree,
    path,
    create,
    new RegExp(`( *)return ${convert}\\((await this\\.${plural.camel}\\.add\\(.*\\))\\);`),
    `$1const added = $2;\n$1// That there was none may be remembered.\n$1await this.cache.forget(id);\n$1return ${convert}(added);`,
  );
  addElement(tree, path, { constructorOf: `${entity.pascal}Handler` }, `private readonly cache: ${entity.pascal}Cache`);
  addImport(tree, path, `./${entity.kebab}.cache.ts`, `${entity.pascal}Cache`);
}

/** Where the job that the service was made with changes the entity. */
function forgetWithJob(tree: Tree, { workspace, service, entity, plural }: ServicePlan): void {
  const path = `apps/${service.kebab}/src/${entity.kebab}/${entity.kebab}.job.ts`;
  if (!tree.exists(path)) return;
  const change = new RegExp(`( *)(await this\\.${plural.camel}\\.markDone\\(tx, ${entity.camel}Id\\);)`);
  replaceInMethod(tree, path, 'process', change, `$1$2\n$1afterCommit(tx, () => void this.cache.forget(${entity.camel}Id));`);
  addElement(tree, path, { constructorOf: `${entity.pascal}Job` }, `private readonly cache: ${entity.pascal}Cache`);
  addImport(tree, path, `${workspace.scope}/database`, 'afterCommit');
  addImport(tree, path, `./${entity.kebab}.cache.ts`, `${entity.pascal}Cache`);
}

function addToModule(tree: Tree, { workspace, service, entity }: ServicePlan): void {
  const path = `apps/${service.kebab}/src/${service.kebab}.module.ts`;
  const module = `./${entity.kebab}/${entity.kebab}.cache.ts`;
  addFrom(tree, path, module, [`import { ${entity.pascal}Cache } from '${module}';`]);
  addElement(tree, path, { property: 'providers' }, `${entity.pascal}Cache`, (other) => other === `${entity.pascal}Job`);
  addImport(tree, path, `${workspace.scope}/cache`, 'CacheModule');
  const register = `CacheModule.register({ redisUrl: config.CACHE_REDIS_URL, service: '${service.kebab}', off: config.CACHE_OFF })`;
  addElement(tree, path, { property: 'imports' }, register, (other) => /^(Outbox|Consumers|Calls)Module\./.test(other));
}

/** The settings of the cache, if the service has none yet: in its code, its tests, its package and Kubernetes. */
function addSettings(tree: Tree, { workspace, service }: ServicePlan): void {
  const source = `apps/${service.kebab}/src/${service.kebab}`;
  addElement(tree, `${source}.settings.ts`, { named: `${workspace.scope}/service` }, 'cacheRedisSettings', (other) => other > 'cacheRedisSettings');
  addElement(tree, `${source}.settings.ts`, { object: `${service.camel}Settings` }, '...cacheRedisSettings', (other) => /^\.\.\.(kafkaSettings|callAddresses)/.test(other));
  addElement(tree, `${source}.settings.spec.ts`, { argument: 'test.each' }, "'CACHE_REDIS_URL'", (other) => other === "'KAFKA_BROKERS'");
  const servers = (tree.read(`${source}.fixture.ts`, 'utf8') ?? '').includes("const servers = inject('servers')") ? 'servers' : "inject('servers')";
  addElement(tree, `${source}.fixture.ts`, { argument: 'readConfig' }, `CACHE_REDIS_URL: ${servers}.cacheRedis`, (other) => /^(KAFKA_BROKERS|CALL_ADDRESSES|\.\.\.)/.test(other));
  addImport(tree, `${source}.fixture.ts`, 'vitest', 'inject');
  addLibrary(tree, service.kebab, workspace.scope, 'cache');
  editJson<ServicePackage>(tree, `apps/${service.kebab}/package.json`, ({ tenfold }) => {
    if (!tenfold.uses.includes('cache-redis')) tenfold.uses.unshift('cache-redis');
  });
  addCacheManifests(tree, service);
}
