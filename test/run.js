// `npm test`: plain JavaScript, so that it starts on an older Node too. Gets what the tests need, then runs them all.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { ensureInstalled, findNode, ROOT } from '../bin/bootstrap.js';

/** What the tests need beside npm packages, by the tag that they have for it: the program to look for, and Debian's package that has it. */
const REQUIREMENTS = [
  { name: 'mosquitto', program: 'mosquitto', package: 'mosquitto' },
  { name: 'openssl', program: 'openssl', package: 'openssl' },
];
const PATH_WITH_SBIN = `${process.env.PATH}:/usr/local/sbin:/usr/sbin:/sbin`;

function fail(sentence) {
  process.stderr.write(`npm test: ${sentence}\n`);
  process.exit(1);
}

function hasProgram(program) {
  return (
    spawnSync('sh', ['-c', `command -v ${program}`], { env: { ...process.env, PATH: PATH_WITH_SBIN } }).status === 0
  );
}

function apt(args) {
  const result = spawnSync('apt-get', args, {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  return result.status === 0;
}

/** Installs the missing programs where that is possible, else says which and how. Returns those left out by name. */
function getRequirements() {
  const leftOut = (process.env.MOORING_TEST_WITHOUT ?? '').split(',').filter((name) => name !== '');
  const unknown = leftOut.filter((name) => !REQUIREMENTS.some((requirement) => requirement.name === name));
  if (unknown.length > 0)
    fail(`MOORING_TEST_WITHOUT names ${unknown.join(', ')}; it may name ${REQUIREMENTS.map((r) => r.name).join(', ')}`);
  const missing = REQUIREMENTS.filter((r) => !leftOut.includes(r.name) && !hasProgram(r.program));
  if (missing.length === 0) return leftOut;
  const packages = missing.map((r) => r.package);
  const canInstall = process.getuid?.() === 0 && existsSync('/etc/debian_version') && hasProgram('apt-get');
  if (canInstall) {
    process.stderr.write(`npm test: installing with apt-get: ${packages.join(' ')}\n`);
    if (!apt(['install', '-y', '--no-install-recommends', ...packages])) {
      apt(['update']);
      apt(['install', '-y', '--no-install-recommends', ...packages]);
    }
  }
  const still = missing.filter((r) => !hasProgram(r.program));
  if (still.length > 0) {
    fail(
      `missing: ${still.map((r) => r.name).join(', ')}. Get it with: sudo apt-get install ${still.map((r) => r.package).join(' ')}\n` +
        `npm test: or leave it out by name: MOORING_TEST_WITHOUT=${still.map((r) => r.name).join(',')} npm test`,
    );
  }
  return leftOut;
}

function step(title, node, args) {
  process.stdout.write(`\n— ${title}\n`);
  const path = `${join(ROOT, 'node_modules', '.bin')}:${PATH_WITH_SBIN}`;
  return spawnSync(node, args, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, PATH: path } }).status === 0;
}

/** Counts what vitest reports, and names what did not run. */
function summary(reportPath, leftOut) {
  if (!existsSync(reportPath)) return { ok: false, line: '0 passed, 1 failed' };
  const report = JSON.parse(readFileSync(reportPath, 'utf8'));
  const skipped = report.testResults.flatMap((file) =>
    file.assertionResults
      .filter((test) => test.status !== 'passed' && test.status !== 'failed')
      .map((test) => ({ name: `${file.name.slice(ROOT.length + 1)}: ${test.fullName}`, tags: test.tags })),
  );
  const failedFiles = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  );
  const failed = report.numFailedTests + failedFiles.length;
  const list = (title, tests) => {
    if (tests.length > 0)
      process.stdout.write(`\n${title} (${tests.length}):\n  ${tests.map((test) => test.name).join('\n  ')}\n`);
  };
  const isExplained = (test) => test.tags.some((tag) => leftOut.includes(tag));
  const unexplained = skipped.filter((test) => !isExplained(test));
  list(`Did not run, left out by name: ${leftOut.join(', ')}`, skipped.filter(isExplained));
  list('Did not run although they need nothing that was left out by name, which counts as a failure', unexplained);
  const tail = skipped.length > 0 ? `, ${skipped.length} skipped` : '';
  return {
    ok: failed === 0 && unexplained.length === 0,
    line: `${report.numPassedTests} passed, ${failed} failed${tail}`,
  };
}

ensureInstalled();
const leftOut = getRequirements();
const node = findNode() ?? fail('there is no Node 24');
const only = process.argv.slice(2);
const scratch = mkdtempSync(join(tmpdir(), 'mooring-test-'));
const reportPath = join(scratch, 'report.json');

const checks = [
  ['lint and format (biome)', ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.']],
  ['types (tsc)', ['node_modules/typescript/bin/tsc', '--noEmit']],
];
let ok = true;
if (only.length === 0) for (const [title, args] of checks) ok = step(title, node, args) && ok;
ok =
  step('tests (vitest)', node, [
    'node_modules/vitest/vitest.mjs',
    'run',
    '-c',
    'test/vitest.config.ts',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${reportPath}`,
    ...only,
  ]) && ok;
const result = summary(reportPath, leftOut);
rmSync(scratch, { recursive: true, force: true });
if (!ok) process.stdout.write('\nnpm test: failed; the reason is above.\n');
process.stdout.write(`\n${result.line}\n`);
process.exitCode = ok && result.ok ? 0 : 1;
