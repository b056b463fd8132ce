/** `mooring demo` as a newcomer runs it. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { AuditReport } from '../../cli/audit.ts';
import { systemClock } from '../../runtime/clock.ts';
import { lockFile } from '../../runtime/lock.ts';
import { eventually, Programs } from '../processes.ts';
import { MAIN, mooring } from './mooring.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** A machine that others keep busy takes long to start three threads; how long is not what is judged here. */
const START_MS = 60_000;
const STOP_MS = 5000;
vi.setConfig({ testTimeout: 4 * START_MS });

let folder = '';
let programs: Programs;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-demo-'));
  programs = new Programs();
});
afterEach(async () => {
  await programs.end();
  rmSync(folder, { recursive: true, force: true });
});

function audited(): AuditReport {
  const { status, stdout } = mooring(['audit', 'd/records', '--store', 'd/store.db', '--json'], folder);
  expect(status, stdout).toBe(0);
  return JSON.parse(stdout) as AuditReport;
}

test('it shows readings and the way they go, and a second one goes on with the same store', async () => {
  const data = join(folder, 'd');
  for (const count of [1, 2]) {
    const args = [MAIN, 'demo', '--data', data, '--plain'];
    const demo = programs.start({ name: `demo ${count}`, command: process.execPath, args });
    for (const shown of [/Z buoy temperature=.*°C/, /Z city temperature=.*°C/, /link=up acks_per_second=\d/]) {
      await eventually(`it shows ${shown}`, START_MS, () => demo.lines.some(({ msg }) => shown.test(msg)));
    }
    expect(await demo.stop()).toBe(0);
    expect(demo.lines.at(-1)?.msg).toBe(`  npx mooring audit ${data}/records --store ${data}/store.db`);
    const { runs } = audited();
    expect(runs).toHaveLength(count);
    // The drain at the end has brought everything over; what is acknowledged is in the log of acks, each once.
    expect(runs.map(({ unsettled }) => unsettled)).toEqual(runs.map(() => 0));
    const ids = readFileSync(join(folder, 'd', 'acks.txt'), 'utf8')
      .split('\n')
      .slice(0, -1);
    const records = runs.reduce((sum, run) => sum + run.records, 0);
    expect([ids.length, new Set(ids).size]).toEqual([records, records]);
  }
});

test('a second one in the same folder is refused with status 3, and the first goes on; SIGTERM ends it within 5 s', async () => {
  const data = join(folder, 'd');
  const first = programs.start({ name: 'demo', command: process.execPath, args: [MAIN, 'demo', '--data', data] });
  await eventually('it shows a link', START_MS, () => first.lines.some(({ msg }) => msg.startsWith('link=up')));
  const second = mooring(['demo', '--data', 'd', '--for', '1s'], folder);
  expect(second.status).toBe(3);
  expect(second.stderr).toBe(
    `mooring: another demo is running in ${data}. Stop it, or give this one a folder of its own: --data DIR.\n`,
  );
  const startedMs = systemClock.monotonicMs();
  expect(await first.stop()).toBe(0);
  expect(systemClock.monotonicMs() - startedMs).toBeLessThan(STOP_MS);
  expect(audited().ok).toBe(true);
});

test('it ends cleanly when nobody reads its lines any more', async () => {
  const child = spawn(process.execPath, [MAIN, 'demo', '--plain', '--data', 'd'], { cwd: folder });
  await once(child.stdout, 'data');
  child.stdout.destroy();
  const [status] = (await once(child, 'close')) as [number | null];
  expect(status).toBe(0);
  const log = readFileSync(join(folder, 'd', 'demo.log'), 'utf8');
  expect(log).toContain('the gateway has stopped');
  expect(log).toContain('the centre has stopped');
});

test('npm start hands SIGTERM on: nothing of it is left behind', async () => {
  const data = join(folder, 'd');
  const args = ['--prefix', ROOT, 'start', '--silent', '--', '--plain', '--data', data];
  const npm = programs.start({ name: 'npm', command: 'npm', args });
  await eventually('it shows a link', START_MS, () => npm.lines.some(({ msg }) => msg.startsWith('link=up')));
  expect(await npm.stop()).toBe(0);
  expect(npm.lines.at(-2)?.msg).toContain('mooring demo: ended.');
  // Free again: no process has kept the folder.
  lockFile(join(data, 'demo.lock')).release();
});

test('on a terminal it draws on the other screen, with the cursor hidden, ends by itself, and gives both back', () => {
  const typescript = join(folder, 'typescript');
  const command = `'${process.execPath}' '${MAIN}' demo --data '${join(folder, 'd')}' --for 2s`;
  const { status } = spawnSync('script', ['-qefc', command, typescript], { cwd: folder, stdio: 'ignore' });
  expect(status).toBe(0);
  const screen = readFileSync(typescript, 'utf8');
  const [before, drawn = '', after = ''] = screen.replaceAll('\x1b[?1049l', '\x1b[?1049h').split('\x1b[?1049h');
  expect(before).toContain('mooring demo: records go to ');
  expect(drawn.startsWith('\x1b[?25l')).toBe(true);
  expect(drawn.endsWith('\x1b[?25h')).toBe(true);
  expect(drawn).toContain('mooring demo · gateway demo');
  expect(after).toContain('mooring demo: ended.');
  expect(existsSync(join(folder, 'd', 'demo.log'))).toBe(true);
});
