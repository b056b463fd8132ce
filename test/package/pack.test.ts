/** The package as somebody installs it: packed, installed for all users under a prefix of its own, run. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const INSTALL_MS = 180_000;

let folder = '';
let installed = '';

interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

function run(command: string, args: readonly string[], cwd: string): Ended {
  // Nothing of the npm that runs this test may leak into the one that it tests.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')));
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env, encoding: 'utf8' });
  return { status, out: stdout, err: stderr };
}

const mooring = (...args: string[]): Ended => run(process.execPath, [join(folder, 'bin', 'mooring'), ...args], folder);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-package-'));
  const packed = run('npm', ['pack', '--pack-destination', folder, '--loglevel=error'], ROOT);
  expect(packed.status, packed.err + packed.out).toBe(0);
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? 'none';
  const args = ['install', '--global', '--prefix', folder, '--prefer-offline', '--no-audit', '--no-fund'];
  const install = run('npm', [...args, '--loglevel=error', join(folder, tarball)], folder);
  expect(install.status, install.err).toBe(0);
  installed = join(folder, 'lib', 'node_modules', 'mooring');
}, INSTALL_MS);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
});

test('it holds compiled files, sample configurations and documents, and neither sources nor tests', () => {
  for (const path of ['dist/cli/main.js', 'deploy/mooring.yaml', 'docs/configuration.md', 'README.md', 'LICENSE']) {
    expect(existsSync(join(installed, path)), path).toBe(true);
  }
  const files = readdirSync(installed, { recursive: true, encoding: 'utf8' });
  const own = files.filter((path) => !path.startsWith('node_modules'));
  expect(own.filter((path) => /\.ts$|\.test\.|fixtures/.test(path))).toEqual([]);
});

test('`mooring check` of its own samples', () => {
  for (const [sample, kind] of [
    ['mooring.yaml', 'gateway plaka'],
    ['central.yaml', 'centre'],
  ] as const) {
    const { status, out, err } = mooring('check', join(installed, 'deploy', sample));
    expect(err).toBe('');
    expect(out).toContain(`ok (${kind}: `);
    expect(status).toBe(0);
  }
});

test('the demo runs from it, worker threads included, and its audit is clean', () => {
  const demo = mooring('demo', '--plain', '--for', '3s', '--data', 'data');
  expect(demo.err).toBe('');
  expect(demo.status).toBe(0);
  const audit = mooring('audit', 'data/records', '--store', 'data/store.db', '--json');
  expect(JSON.parse(audit.out)).toMatchObject({ ok: true, runs: [{ gateway: 'demo', acked_but_missing: 0 }] });
  expect(audit.status).toBe(0);
});

test('an older Node is told which one it takes', () => {
  const older = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.11.1' } })`;
  const { status, err } = run(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(older)}`, join(folder, 'bin', 'mooring'), '--version'],
    folder,
  );
  expect({ status, err }).toEqual({
    status: 1,
    err: 'mooring: needs Node 24 or newer; this is 20.11.1. Install Node 24 LTS and run the same command.\n',
  });
});
