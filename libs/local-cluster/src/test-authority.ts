import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { makeTestDirectory, removeTestDirectory } from './cluster.fixture.ts';

/** Signs certificates for tests, by openssl. */
export interface TestAuthority {
  /**
   * Writes `tls.crt`, `tls.key` and `ca.crt` into a directory, in the place of those that may be there.
   *
   * @param name DNS name in the certificate
   * @param options.expired whether it was valid until yesterday
   * @param options.directory default a new one, named for `name`
   * @returns the directory
   */
  issue(name: string, options?: { expired?: boolean; directory?: string }): string;
  /** Removes all that it wrote. */
  remove(): void;
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** An authority of its own: what another one signed, it does not know. */
export function createTestAuthority(): TestAuthority {
  const home = makeTestDirectory();
  const [key, certificate] = [join(home, 'authority.key'), join(home, 'authority.crt')];
  openssl(['req', '-x509', ...newKey, '-keyout', key, '-out', certificate, '-subj', '/CN=test authority', '-days', '2']);
  let count = 0;
  return {
    issue(name, { expired = false, directory = join(home, `${name}-${(count += 1)}`) } = {}) {
      mkdirSync(directory, { recursive: true });
      const fresh = (file: string) => join(home, `fresh-${file}`);
      const request = openssl(['req', ...newKey, '-keyout', fresh('tls.key'), '-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`]);
      const signed = ['x509', '-req', '-CA', certificate, '-CAkey', key, '-CAcreateserial', '-copy_extensions', 'copy'];
      openssl([...signed, '-days', expired ? '-1' : '1', '-out', fresh('tls.crt')], request);
      openssl(['x509', '-in', certificate, '-out', fresh('ca.crt')]);
      for (const file of ['tls.key', 'tls.crt', 'ca.crt']) renameSync(fresh(file), join(directory, file));
      return directory;
    },
    remove: () => removeTestDirectory(home),
  };
}

function openssl(args: readonly string[], input = ''): string {
  const { status, stdout, stderr } = spawnSync('openssl', args, { input, encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr}`);
  return stdout;
}
