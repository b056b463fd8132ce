import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const COMMAND = join(import.meta.dirname, '..', 'bin', 'mooring.js');
const folder = mkdtempSync(join(tmpdir(), 'mooring-threads-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Threads of the command's process at its end; libuv starts all of its own at the first use. */
function threads(env: Readonly<Record<string, string>>): number {
  const probe = join(folder, 'probe.cjs');
  const count = `fs.stat('/', () => {}); process.stdout.write('threads ' + fs.readdirSync('/proc/self/task').length);`;
  writeFileSync(probe, `const fs = require('node:fs');\nprocess.on('exit', () => { ${count} });\n`);
  const { UV_THREADPOOL_SIZE: _, ...inherited } = process.env;
  const args = ['--require', probe, COMMAND, '--version'];
  const said = execFileSync(process.execPath, args, { env: { ...inherited, ...env }, encoding: 'utf8' });
  return Number(/^threads (\d+)/m.exec(said)?.[1]);
}

test('the command has 16 threads for files and names of hosts, or as many as the environment says', () => {
  expect(threads({}) - threads({ UV_THREADPOOL_SIZE: '4' })).toBe(12);
});
