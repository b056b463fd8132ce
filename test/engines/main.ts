/**
 * `npm run test:engines -- NAME…|all`: the tests on heavy engines, one after the other. Prints a line an engine; exits with
 * 1 where anything does not hold or could not be run. What the tests say by themselves goes to the other stream.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../runtime/clock.ts';
import { ENGINES_PATH, lackOf } from './needs.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const SUFFIX = '.engine.ts';
const known = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(SUFFIX))
  .map((file) => file.slice(0, -SUFFIX.length))
  .sort();
const USAGE = `npm run test:engines -- NAME…|all

Known: ${known.join(', ')}. The light engines, InfluxDB and MariaDB, are part of \`npm test\`.
`;

interface Report {
  readonly numPassedTests: number;
  readonly numTotalTests: number;
}

/** The line of an engine, and whether all of it holds. */
async function run(engine: string): Promise<{ readonly line: string; readonly holds: boolean }> {
  const lack = lackOf(engine);
  if (lack !== undefined) return { line: `not run: ${lack}`, holds: false };
  const scratch = mkdtempSync(join(tmpdir(), 'mooring-engine-'));
  const report = join(scratch, 'report.json');
  const startMs = systemClock.monotonicMs();
  try {
    const args = ['run', '-c', 'test/engines/vitest.config.ts', '--reporter=default', '--reporter=json'];
    const child = spawn(
      process.execPath,
      ['node_modules/vitest/vitest.mjs', ...args, `--outputFile.json=${report}`, `test/engines/${engine}${SUFFIX}`],
      { cwd: ROOT, stdio: ['ignore', 2, 2], env: { ...process.env, PATH: ENGINES_PATH } },
    );
    const [status] = (await once(child, 'exit')) as [number | null];
    const seconds = Math.round((systemClock.monotonicMs() - startMs) / 1000);
    const { numPassedTests: passed, numTotalTests: all } = reportIn(report);
    const holds = status === 0 && all > 0 && passed === all;
    return { line: `${holds ? 'holds' : 'FAILED'}: ${passed} of ${all} tests passed, ${seconds} s`, holds };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function reportIn(path: string): Report {
  if (!existsSync(path)) return { numPassedTests: 0, numTotalTests: 0 };
  return JSON.parse(readFileSync(path, 'utf8')) as Report;
}

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => name !== 'all' && !known.includes(name));
if (asked.length === 0 || unknown.length > 0) {
  process.stderr.write(`${unknown.length > 0 ? `There is no engine ${unknown.join(', ')}.\n\n` : ''}${USAGE}`);
  process.exit(2);
}
let allHold = true;
for (const engine of asked.includes('all') ? known : known.filter((name) => asked.includes(name))) {
  const { line, holds } = await run(engine);
  process.stdout.write(`${engine}: ${line}\n`);
  allHold &&= holds;
}
process.exitCode = allHold ? 0 : 1;
