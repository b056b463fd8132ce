import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const bench = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], { encoding: 'utf8' });

test('--help names the benchmarks and measures nothing', () => {
  const { status, stdout, stderr } = bench('--help');
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^npm run bench -- \[--json\] \[NAME\[\/PART\]…\]\n/);
  expect(stdout).toContain('append, ');
  expect(stdout).toContain('sinks-engines/hbase, ');
});

test('an option or a name that means nothing is told without a stack, with status 2', () => {
  const option = bench('--nosuch');
  expect(option.status).toBe(2);
  expect(option.stderr).toMatch(/^Unknown option '--nosuch'.*\n\nnpm run bench/);
  expect(option.stderr).not.toContain('    at ');
  const name = bench('nosuch', 'sinks-engines/hbase', 'append/nosuch');
  expect(name.status).toBe(2);
  expect(name.stderr).toContain('no benchmark named nosuch, append/nosuch;');
});
