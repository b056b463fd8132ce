// `npm test`: plain JavaScript, so that it starts on an older Node too. Gets what the tests need, then runs them all.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { ensureInstalled, findNode, ROOT } from '../bin/bootstrap.js';
import { fail, getJars, getPrograms, PATH_WITH_SBIN, versions } from './requirements.js';

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
const leftOut = getPrograms();
const node = findNode() ?? fail('there is no Node 24');
if (!leftOut.includes('kafka')) getJars(node);
process.stdout.write(`${versions(node, leftOut)}\n`);
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
