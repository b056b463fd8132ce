/** The programs under test that other tests stand on. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually, type Program, Programs } from './processes.ts';

let programs: Programs;

beforeEach(() => {
  programs = new Programs();
});

afterEach(async () => {
  await programs.end();
});

function run(script: string): Program {
  return programs.start({ name: 'script', command: process.execPath, args: ['-e', script] });
}

test('a log line is found by its message, with its fields; other text is a message too', async () => {
  const program = run('console.log(JSON.stringify({ msg: "up", port: 7 })); console.error("plain")');
  expect(await program.says('up', 5000)).toEqual({ msg: 'up', port: 7 });
  expect(await program.says('plain', 5000)).toEqual({ msg: 'plain' });
});

test('waiting for a program that has ended by itself fails with the last it said', async () => {
  const program = run('console.log("no such file"); process.exitCode = 3');
  await expect(program.says('up', 5000)).rejects.toThrow(/ended by itself \(3\)[\s\S]*no such file/);
});

test('waiting is bounded', async () => {
  const program = run('setInterval(() => {}, 1000)');
  await expect(program.says('up', 100)).rejects.toThrow('not within 100 ms: script says "up"');
});

test('a clean stop gives the exit status; one that does not come is ended', async () => {
  const clean = run('process.on("SIGTERM", () => process.exit(5)); setInterval(() => console.log("up"), 10)');
  await clean.says('up', 5000);
  expect(await clean.stop()).toBe(5);
  const deaf = run('process.on("SIGTERM", () => {}); setInterval(() => console.log("up"), 10)');
  await deaf.says('up', 5000);
  expect(await deaf.stop(100)).toBeNull();
  expect(deaf.tail()).toMatch('did not end within 100 ms of SIGTERM');
});

test('one that is meant to end by itself gives its exit status', async () => {
  expect(await run('process.exitCode = 3').ends(5000)).toBe(3);
  await expect(run('setInterval(() => {}, 1000)').ends(100)).rejects.toThrow('not within 100 ms');
});

test('a paused program says nothing until it is resumed, and ends with the test', async () => {
  const program = run('setInterval(() => console.log("tick"), 10)');
  await program.says('tick', 5000);
  program.pause();
  let before = -1;
  await eventually('it is silent', 5000, async () => {
    const isSilent = program.lines.length === before;
    before = program.lines.length;
    return isSilent;
  });
  program.resume();
  await eventually('it ticks again', 5000, () => program.lines.length > before);
  program.pause();
  await programs.end();
  expect(program.hasEnded).toBe(true);
});

test('a program that cannot be started has ended', async () => {
  const program = programs.start({ name: 'absent', command: '/nonexistent/program', args: [] });
  await eventually('it is known', 5000, () => program.tail().includes('ENOENT'));
  expect(program.hasEnded).toBe(true);
});
