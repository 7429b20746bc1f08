import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findK6, k6ProcessOf } from './k6.program.ts';

let folder: string;
let root: string;
const told: string[] = [];

/** A machine on whose PATH is nothing but what a test puts there. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tenfold-k6-'));
  root = join(folder, 'a checkout');
  mkdirSync(join(folder, 'bin'));
  mkdirSync(root);
  told.length = 0;
  vi.stubEnv('PATH', join(folder, 'bin'));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

function program(path: string, script: string): string {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

const onPath = (name: string, script: string) => program(join(folder, 'bin', name), script);
const built = () => join(root, '.tenfold', 'bin', 'k6');
const find = (install = true) => findK6({ root, install, onProgress: (line) => told.push(line) });
const k6Of = (version: string) => `echo "k6 v${version} (go1.26.8, linux/amd64)"`;
/** Builds a k6, but only where GOBIN says and from the package that is wanted; PATH has no tools, so the shell's own do. */
const go = 'if [ "$1" = install ]; then [ "$2" = go.k6.io/k6@v1.8.1 ] || exit 3; IFS= read -r first < "$0"; printf \'%s\\necho k6 v1.8.1\\n\' "$first" > "$GOBIN/k6"; /bin/chmod +x "$GOBIN/k6"; fi';

describe('k6', () => {
  it('is the one on PATH', () => {
    onPath('k6', k6Of('1.2.3'));
    onPath('go', 'exit 1');
    expect(find()).toEqual({ command: 'k6', prefix: [], version: 'k6 v1.2.3' });
  });

  it('is the one built earlier, even where nothing may be built', () => {
    program(built(), k6Of('1.8.1'));
    expect(find(false)).toMatchObject({ command: built(), version: 'k6 v1.8.1' });
  });

  it('is built by Go where the one on PATH is too old', () => {
    onPath('k6', k6Of('0.49.0'));
    onPath('go', go);
    mkdirSync(join(root, '.tenfold', 'bin'), { recursive: true });
    expect(find()).toMatchObject({ command: built(), version: 'k6 v1.8.1' });
    expect(told).toEqual([expect.stringContaining('go install go.k6.io/k6@v1.8.1')]);
  });

  it('is run by Docker where Go fails: on the network of the host, with the checkout at its own path', () => {
    onPath('go', '[ "$1" = version ]');
    onPath('docker', 'exit 0');
    const { command, prefix, container } = find();
    expect([command, ...prefix]).toEqual(expect.arrayContaining(['docker', 'run', '--network=host', `${root}:${root}`, 'grafana/k6:1.8.1']));
    expect(prefix.at(-1)).toBe('grafana/k6:1.8.1');
    expect(container).toBeDefined();
  });

  it('is pulled by Docker only where something may be installed', () => {
    const pulled = join(folder, 'pulled');
    onPath('docker', `case "$1" in image) exit 1;; pull) : > '${pulled}';; esac`);
    expect(() => find(false)).toThrow(/grafana\/k6:1.8.1: the image is not here, and --no-install forbids/);
    expect(existsSync(pulled)).toBe(false);
    expect(find()).toMatchObject({ command: 'docker' });
    expect(existsSync(pulled)).toBe(true);
  });

  it('that cannot be had is an error that says what was tried, and what helps', () => {
    onPath('k6', k6Of('0.49.0'));
    onPath('go', '[ "$1" = version ]');
    onPath('docker', '[ "$1" = info ]');
    expect(find).toThrow(/k6 on PATH: k6 v0.49.0 is too old[\s\S]*go install failed with 1[\s\S]*docker pull failed[\s\S]*install k6: https:/);
  });

  it('is not looked for where nothing is', () => {
    expect(() => find(false)).toThrow(/k6 on PATH: none[\s\S]*built by Go: not tried, --no-install[\s\S]*no Docker runs/);
    expect(find).toThrow(/built by Go: no go on PATH/);
  });
});

describe("k6's process", () => {
  const k6 = { command: 'k6', prefix: [], version: 'k6 v1.8.1' };

  it('is the one that was started', () => {
    expect(k6ProcessOf(k6, 7)).toBe(7);
  });

  it('is not taken for another one when Docker runs on a machine of its own', () => {
    onPath('docker', `echo ${process.pid}`);
    expect(k6ProcessOf({ ...k6, container: 'tenfold-k6' }, 7)).toBeUndefined();
  });
});
