import { lookup } from 'node:dns/promises';
import { readFileSync, statSync } from 'node:fs';

/** Milliseconds between looks at the file, and between look-ups of the name. */
const filePollMs = 250;
const dnsPollMs = 1000;

export interface AddressSource {
  close(): void;
}

/**
 * Follows where the replicas of a service are.
 *
 * @param addresses `host:port,host:port` for a fixed list; `dns:host:port` for every address of a name, looked up every
 *   second; `file:/path` with one `host:port` a line, read again within 250 ms of a change. A file or name that cannot be
 *   read keeps the last list: losing the directory is no reason to lose the replicas.
 * @param onChange called with each new list, the first time at once or as soon as it is known
 */
export function watchAddresses(addresses: string, onChange: (list: readonly string[]) => void): AddressSource {
  if (addresses.startsWith('file:')) return watchFile(addresses.slice('file:'.length), onChange);
  if (addresses.startsWith('dns:')) return watchName(addresses.slice('dns:'.length), onChange);
  onChange(addresses.split(',').map((address) => address.trim()));
  return { close: () => {} };
}

function watchFile(path: string, onChange: (list: readonly string[]) => void): AddressSource {
  let seen = '';
  const look = () => {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (!stats) return;
    const version = `${stats.mtimeMs} ${stats.size} ${stats.ino}`;
    if (version === seen) return;
    const lines = readFileSync(path, 'utf8').split('\n').map((line) => line.trim());
    seen = version;
    onChange(lines.filter((line) => line !== '' && !line.startsWith('#')));
  };
  const lookSafely = () => {
    try {
      look();
    } catch {
      // Replaced between the two looks at it: the next look finds it.
    }
  };
  lookSafely();
  const timer = setInterval(lookSafely, filePollMs).unref();
  return { close: () => clearInterval(timer) };
}

function watchName(hostAndPort: string, onChange: (list: readonly string[]) => void): AddressSource {
  const colon = hostAndPort.lastIndexOf(':');
  const host = hostAndPort.slice(0, colon);
  const port = hostAndPort.slice(colon + 1);
  let closed = false;
  let known = '';
  const look = async () => {
    const found = await lookup(host, { all: true, family: 4 }).catch(() => []);
    const list = found.map(({ address }) => `${address}:${port}`).sort();
    if (closed || list.length === 0 || list.join() === known) return;
    known = list.join();
    onChange(list);
  };
  void look();
  const timer = setInterval(() => void look(), dnsPollMs).unref();
  return {
    close: () => {
      closed = true;
      clearInterval(timer);
    },
  };
}
