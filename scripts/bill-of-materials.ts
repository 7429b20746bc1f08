import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

interface LockedPackage {
  version?: string;
  integrity?: string;
  license?: string;
}

/** The places in the lockfile of the packages that a folder of bundles has code of: those that its source maps name, and those that lie beside the bundles. */
export function packagesIn(folder: string): string[] {
  const sources = globSync('*.map', { cwd: folder }).flatMap((file) => (JSON.parse(readFileSync(join(folder, file), 'utf8')) as { sources: string[] }).sources);
  const bundled = sources.flatMap((source) => /(?:apps\/[^/]+\/|libs\/[^/]+\/)?node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+(?=\/)/.exec(source)?.[0] ?? []);
  return [...new Set([...bundled, ...globSync('node_modules/{@*/*,[!@]*}', { cwd: folder })])].sort();
}

const hashesOf = (integrity: string) => {
  const [algorithm = '', digest = ''] = integrity.split(/-(.*)/s);
  return [{ alg: algorithm.replace('sha', 'SHA-'), content: Buffer.from(digest, 'base64').toString('hex') }];
};

const urlOf = (name: string, version: string) => `pkg:npm/${name.replace('@', '%40')}@${version}`;

/**
 * What the image of a service consists of, as CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/): the packages whose
 * code is in it, as the lockfile has them, and Node. `npm sbom --workspace` leaves out what other workspaces need.
 *
 * @param folder what `ship` made
 * @throws Error naming a package that the lockfile does not have
 */
export function billOfMaterials(service: string, folder: string): object {
  const { version: ownVersion, packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { version: string; packages: Record<string, LockedPackage> };
  const components = packagesIn(folder).map((place) => {
    const { version, integrity, license } = packages[place] ?? {};
    if (version === undefined) throw new Error(`${service} ships ${place}, which package-lock.json does not have`);
    const name = place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);
    return {
      type: 'library',
      'bom-ref': place,
      name,
      version,
      purl: urlOf(name, version),
      ...(integrity !== undefined && { hashes: hashesOf(integrity) }),
      ...(license !== undefined && { licenses: [{ expression: license }] }),
    };
  });
  const node = { type: 'platform', 'bom-ref': 'node', name: 'node', version: process.versions.node, purl: `pkg:generic/node@${process.versions.node}` };
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: { type: 'application', 'bom-ref': service, name: `tenfold/${service}`, version: ownVersion } },
    components: [node, ...components],
  };
}
