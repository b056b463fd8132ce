// Plain JavaScript that any Node from 18 on can run: finds what a checkout needs before the real program starts.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const NODE_MAJOR_MIN = 24;

// Before the first of libuv's threads is used. A folder on a mount that hangs holds up to two of them: of four, two such folders
// would stop all other files, and the names of hosts.
process.env.UV_THREADPOOL_SIZE ??= '16';

/** Whether this is a checkout (with sources) rather than an installed package (with compiled files only). */
export const isCheckout = existsSync(join(ROOT, 'cli', 'main.ts'));

/** A Node that can run this project: the running one, or the checkout's own; undefined where there is none. */
export function findNode() {
  if (Number.parseInt(process.versions.node, 10) >= NODE_MAJOR_MIN) return process.execPath;
  const own = join(ROOT, 'node_modules', 'node', 'bin', 'node');
  return existsSync(own) ? own : undefined;
}

/** Says what is wrong and ends the process. */
export function fail(sentence) {
  process.stderr.write(`mooring: ${sentence}\n`);
  process.exit(1);
}

/** Installs the checkout's dependencies where they are missing or older than the lock file. */
export function ensureInstalled() {
  const reason = whatIsMissing();
  if (reason === undefined) return;
  process.stderr.write(`mooring: ${reason}: running npm ci, which may take two minutes\n`);
  const result = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: ROOT,
    stdio: ['ignore', 2, 2],
  });
  if (result.status !== 0) fail('npm ci failed; its message is above. With it mended, the same command goes on.');
  const still = whatIsMissing();
  if (still !== undefined)
    fail(`${still} although npm ci ended well. Try: rm -rf node_modules && npm ci --foreground-scripts`);
}

/** Runs a program in the foreground, hands on the signals, and ends with its exit status. */
export function runAndExit(command, args) {
  const child = spawn(command, args, { stdio: 'inherit' });
  // Always handed on: a terminal's Ctrl-C reaches the child by itself, a `kill` does not, and the second of two is harmless.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => fail(error.message));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === null ? 1 : 130);
  });
}

function whatIsMissing() {
  const installed = join(ROOT, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return 'dependencies are not installed';
  if (!sameVersions(installed)) return 'the installed dependencies are not those of package-lock.json';
  return findNode() === undefined ? `there is no Node ${NODE_MAJOR_MIN}` : undefined;
}

/** npm records what it installed; every package that the lock file asks for on this platform must be there as asked. */
function sameVersions(installedPath) {
  const wanted = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages;
  const installed = JSON.parse(readFileSync(installedPath, 'utf8')).packages;
  return Object.entries(wanted).every(
    ([path, entry]) => path === '' || entry.optional === true || installed[path]?.version === entry.version,
  );
}
