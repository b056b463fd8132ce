import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RunId } from '../../protocol/ids.ts';
import { type Log, silentLog } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { span } from '../../test/conformance/entries.ts';
import { Died, PowerCutDisk } from '../../test/conformance/power-cut-disk.ts';
import { LogLines } from '../../test/log-lines.ts';
import { type Append, Appender } from './appender.ts';

const ROOT = '/srv/mooring/records';
const RUNS: readonly RunId[] = ['00000000-0000-8000-8000', '11111111-1111-8111-9111'];
const never = new AbortController().signal;

function setUp(disk = new PowerCutDisk(new SeededRandom(1)), log: Log = silentLog) {
  const clock = new SteppedClock();
  const appender = new Appender({
    root: ROOT,
    stateDir: `${ROOT}/.mooring`,
    isEmpty: async (on) => !((await on.list(ROOT)) ?? []).some((name) => name !== '.mooring'),
    clock,
    log,
    disk,
  });
  const append = async (appends: readonly Append[]): Promise<void> => {
    const appended = appender.append(appends);
    // The failure is awaited below; stepping must not find it unhandled.
    appended.catch(() => undefined);
    await clock.advance(1000);
    await appended;
  };
  return { appender, append, clock, disk };
}

const lines = (run: RunId, first: number, last: number, file: string): Append => ({
  run,
  lines: Array.from({ length: last - first + 1 }, (_, index) => ({
    sequence: first + index,
    file,
    text: `${run}/${first + index}`,
  })),
});

/** Every line of every file; fails where a file holds anything but whole lines. */
function linesOn(disk: PowerCutDisk): string[] {
  return [...disk.files(ROOT)]
    .filter(([path]) => !path.startsWith('.mooring/'))
    .flatMap(([, text]) => {
      expect(text === '' || text.endsWith('\n')).toBe(true);
      return text.split('\n').slice(0, -1);
    });
}

const stateOn = (disk: PowerCutDisk): { files: Record<string, number>; logs: unknown; runs: unknown } =>
  JSON.parse(disk.files(ROOT).get('.mooring/state.json')?.split('\n')[0] as string);

interface Step {
  readonly appends: readonly Append[];
  readonly fate: { readonly steps: number; readonly end: 'power' | 'kill' | 'full' };
}

const anyAppend: fc.Arbitrary<Append> = fc
  .record({
    run: fc.constantFrom(...RUNS),
    first: fc.integer({ min: 1, max: 30 }),
    count: fc.integer({ min: 1, max: 8 }),
    // A name has its own file for ever, as a record has its hour.
    hours: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ run, first, count }) => ({
    run,
    lines: Array.from({ length: count }, (_, index) => {
      const sequence = first + index;
      return { sequence, file: `${sequence % 5 < 3 ? 'a' : 'b/c'}/${sequence % 7}.txt`, text: `${run}/${sequence}` };
    }),
  }));

const anyStep: fc.Arbitrary<Step> = fc.record({
  appends: fc.array(anyAppend, { minLength: 1, maxLength: 4 }),
  fate: fc.record({
    steps: fc.oneof(fc.integer({ min: 0, max: 60 }), fc.constant(Number.POSITIVE_INFINITY)),
    end: fc.constantFrom('power', 'kill', 'full'),
  }),
});

/** Runs the steps; after each one, a restart where it died. Returns the names that were confirmed. */
async function play(disk: PowerCutDisk, steps: readonly Step[]): Promise<Set<string>> {
  const confirmed = new Set<string>();
  let current: ReturnType<typeof setUp> | undefined;
  for (const { appends, fate } of steps) {
    Object.assign(disk.fate, fate);
    try {
      if (current === undefined) {
        const opening = setUp(disk);
        await opening.appender.open(never);
        current = opening;
      }
      await current.append(appends);
      for (const { lines: named } of appends) for (const { text } of named) confirmed.add(text);
    } catch (error) {
      if (disk.isDead) {
        disk.restart();
        current = undefined;
      } else expect(error).toMatchObject({ code: 'SINK_FAILED' });
    }
    disk.fate.steps = Number.POSITIVE_INFINITY;
  }
  await current?.appender.close();
  return confirmed;
}

test('whatever is cut, killed or full, what was confirmed is there, once, in whole lines, and repeats change nothing', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 1, maxLength: 8 }), fc.integer(), async (steps, seed) => {
      const disk = new PowerCutDisk(new SeededRandom(seed));
      const confirmed = await play(disk, steps);

      const { appender, append } = setUp(disk);
      await appender.open(never);
      const found = linesOn(disk);
      expect(new Set(found).size).toBe(found.length);
      for (const name of confirmed) expect(found).toContain(name);
      // What the state says is committed is exactly what stands in the files.
      const committed = RUNS.flatMap((run) =>
        appender
          .committed(run)
          .ranges()
          .flatMap(([first, last]) => lines(run, first, last, '').lines.map(({ text }) => text)),
      );
      expect(committed.sort()).toEqual(found.sort());

      for (const { appends } of steps) await append(appends);
      const all = new Set(steps.flatMap(({ appends }) => appends.flatMap((a) => a.lines.map(({ text }) => text))));
      expect(linesOn(disk).sort()).toEqual([...all].sort());
      await appender.close();
    }),
    { numRuns: 400 },
  );
}, 120_000);

test('a commit that fails at any step and then a death at any step of the next one lose nothing that was confirmed', async () => {
  const run = RUNS[0] as RunId;
  for (let failAt = 0; failAt < 40; failAt += 1) {
    for (let dieAt = 0; dieAt < 32; dieAt += 1) {
      const disk = new PowerCutDisk(new SeededRandom(failAt * 100 + dieAt));
      const { appender, append } = setUp(disk);
      await appender.open(never);
      await append([lines(run, 1, 3, 'x.txt')]);
      Object.assign(disk.fate, { end: 'full', steps: failAt });
      await append([lines(run, 4, 6, 'x.txt'), lines(run, 7, 7, 'y.txt')]).catch(() => undefined);
      Object.assign(disk.fate, { end: dieAt % 2 === 0 ? 'power' : 'kill', steps: dieAt });
      await append([lines(run, 8, 9, 'x.txt')]).catch(() => undefined);
      disk.restart();

      const again = setUp(disk);
      await again.appender.open(never);
      expect(linesOn(disk)).toHaveLength(again.appender.committed(run).count);
      await again.append([lines(run, 1, 6, 'x.txt'), lines(run, 7, 7, 'y.txt'), lines(run, 8, 9, 'x.txt')]);
      expect(new Set(linesOn(disk)).size).toBe(9);
      expect(linesOn(disk)).toHaveLength(9);
    }
  }
});

test('appends that overlap and share a commit are written once', async () => {
  const { appender, append, disk } = setUp();
  await appender.open(never);
  const run = RUNS[0] as RunId;
  await append([lines(run, 1, 5, 'x.txt'), lines(run, 3, 9, 'x.txt')]);
  await append([lines(run, 1, 9, 'x.txt')]);
  expect(linesOn(disk)).toHaveLength(9);
  expect(appender.committed(run).ranges()).toEqual([[1, 9]]);
  expect([...appender.runs()]).toEqual([run]);
});

test('what was committed is handed out as it is, without a copy, and does not change with the next commit', async () => {
  const { appender, append } = setUp();
  await appender.open(never);
  const run = RUNS[0] as RunId;
  await append([lines(run, 1, 5, 'x.txt')]);
  const before = appender.committed(run);
  expect(appender.committed(run)).toBe(before);
  await append([lines(run, 6, 6, 'x.txt')]);
  expect(before.ranges()).toEqual([[1, 5]]);
  expect(appender.committed(run).ranges()).toEqual([[1, 6]]);
});

test('the state stays small however many files there are, and late data opens any of them again', async () => {
  const { appender, append, disk } = setUp();
  await appender.open(never);
  const run = RUNS[0] as RunId;
  for (let day = 1; day <= 200; day += 1) await append([lines(run, day, day, `day-${day}.txt`)]);
  expect(Object.keys(stateOn(disk).files)).toHaveLength(64);

  disk.fate.end = 'kill';
  disk.fate.steps = 7;
  await expect(append([lines(run, 201, 210, 'day-1.txt')])).rejects.toBeInstanceOf(Died);
  disk.restart();
  const second = setUp(disk);
  await second.appender.open(never);
  await second.append([lines(run, 201, 210, 'day-1.txt')]);
  expect(disk.files(ROOT).get('day-1.txt')?.split('\n')).toHaveLength(12);
  expect(linesOn(disk)).toHaveLength(210);
});

/** How often each folder was synced from now on. */
function countSyncs(disk: PowerCutDisk): Map<string, number> {
  const counts = new Map<string, number>();
  const syncFolder = disk.syncFolder.bind(disk);
  disk.syncFolder = async (path) => {
    counts.set(path, (counts.get(path) ?? 0) + 1);
    await syncFolder(path);
  };
  return counts;
}

test('a commit syncs each folder once, however many new files it puts there', async () => {
  const { appender, append, disk } = setUp();
  await appender.open(never);
  const counts = countSyncs(disk);
  const run = RUNS[0] as RunId;
  await append(span(1, 40).map((sequence) => lines(run, sequence, sequence, `a/${sequence % 2}/${sequence}.txt`)));
  expect(counts).toEqual(
    new Map([
      [`${ROOT}/a/1`, 1],
      [`${ROOT}/a/0`, 1],
      [`${ROOT}/a`, 1],
      [ROOT, 1],
      // For the file names, then for what is committed.
      [`${ROOT}/.mooring`, 2],
    ]),
  );
  await appender.close();
});

test('backlogs of many files go one after the other, and what is live goes along with the first', async () => {
  const { appender, clock } = setUp();
  await appender.open(never);
  const [backlog, live] = RUNS as [RunId, RunId];
  const done: string[] = [];
  const write = (name: string, appends: readonly Append[]) => appender.append(appends).then(() => done.push(name));
  const files = (first: number, last: number): Append[] =>
    span(first, last).map((sequence) => lines(backlog, sequence, sequence, `${sequence}.txt`));
  const all = Promise.all([
    write('300 files', files(1, 300)),
    write('200 others', files(301, 500)),
    write('the same 200', files(301, 500)),
    write('60 others', files(501, 560)),
    write('live', [lines(live, 1, 3, 'now.txt')]),
  ]);
  await clock.advance(10);
  expect(done).toEqual(['300 files', 'live']);
  await clock.advance(1000);
  expect(done.slice(2)).toEqual(['200 others', 'the same 200']);
  await clock.advance(1000);
  await all;
  expect(done.slice(4)).toEqual(['60 others']);
  await appender.close();
});

test('the state has the offset of each log, beside files and runs', async () => {
  const { appender, append, disk } = setUp();
  await appender.open(never);
  await append([lines(RUNS[0] as RunId, 1, 3, 'x.txt')]);
  await append([lines(RUNS[0] as RunId, 2, 5, 'x.txt')]);
  expect(stateOn(disk)).toEqual({
    version: 1,
    logs: { direct: { 0: 5 } },
    files: { 'x.txt': 26 * 5 },
    runs: { [RUNS[0] as RunId]: [[1, 5]] },
  });
});

test('a commit that failed leaves no part of a line once the disk has room again', async () => {
  const { appender, append, disk } = setUp();
  await appender.open(never);
  const run = RUNS[0] as RunId;
  await append([lines(run, 1, 3, 'x.txt')]);
  for (let steps = 0; steps < 8; steps += 1) {
    Object.assign(disk.fate, { end: 'full', steps });
    await expect(append([lines(run, 4, 9, 'x.txt')])).rejects.toMatchObject({
      code: 'SINK_FAILED',
      retry: 'later',
      hint: 'The disk is full. Make room.',
    });
    disk.fate.steps = Number.POSITIVE_INFINITY;
  }
  await append([lines(run, 20, 20, 'y.txt')]);
  expect(linesOn(disk)).toEqual(['1', '2', '3', '20'].map((sequence) => `${run}/${sequence}`));
  expect(appender.committed(run).ranges()).toEqual([
    [1, 3],
    [20, 20],
  ]);
});

test('a state that was tampered with, or is gone while the files are not, is refused', async () => {
  const { appender, append, disk } = setUp();
  await appender.open(never);
  await append([lines(RUNS[0] as RunId, 1, 3, 'x.txt')]);
  await appender.close();
  const path = `${ROOT}/.mooring/state.json`;
  const text = Buffer.from((await disk.read(path)) as Uint8Array).toString('utf8');
  const damages = [text.replace('[[1,3]]', '[[1,9]]'), text.slice(0, -2), '', `${text}\n`, 'x\n', '{}\n{}\n'];
  for (const damaged of damages) {
    await disk.writeFrom(path, 0, Buffer.from(damaged));
    await expect(setUp(disk).appender.open(never), JSON.stringify(damaged)).rejects.toMatchObject({
      code: 'SINK_STATE_DAMAGED',
      hint: expect.stringContaining('Move the whole folder aside'),
    });
  }
  await disk.remove(path);
  await expect(setUp(disk).appender.open(never)).rejects.toMatchObject({ code: 'SINK_STATE_DAMAGED' });
});

test('what was committed after a state that somebody has put back is kept aside, and said', async () => {
  const run = RUNS[0] as RunId;
  const { appender, append, disk } = setUp();
  await appender.open(never);
  await append([lines(run, 1, 3, 'a/x.txt')]);
  const path = `${ROOT}/.mooring/state.json`;
  const older = (await disk.read(path)) as Uint8Array;
  await append([lines(run, 4, 6, 'a/x.txt')]);
  await appender.close();
  await disk.writeFrom(path, 0, older);

  const said = new LogLines();
  const again = setUp(disk, said);
  await again.appender.open(never);
  const aside = 'cut/a/x.txt.78-156';
  expect(disk.files(`${ROOT}/.mooring`).get(aside)).toBe([4, 5, 6].map((sequence) => `${run}/${sequence}\n`).join(''));
  expect(said.said[0]).toBe('warn: put aside what the state does not know');
  expect(said.fields[0]).toEqual({ file: 'a/x.txt', bytes: 78, aside: `${ROOT}/.mooring/${aside}` });
  await again.append([lines(run, 1, 5, 'a/x.txt')]);
  expect(linesOn(disk)).toHaveLength(5);
  await again.appender.close();
});

test('what was put aside survives a loss of power at any step of the start that cuts it off', async () => {
  const run = RUNS[0] as RunId;
  for (let steps = 0; steps < 40; steps += 1) {
    const disk = new PowerCutDisk(new SeededRandom(steps));
    const { appender, append } = setUp(disk);
    await appender.open(never);
    await append([lines(run, 1, 3, 'a/x.txt')]);
    const older = (await disk.read(`${ROOT}/.mooring/state.json`)) as Uint8Array;
    await append([lines(run, 4, 6, 'a/x.txt')]);
    await appender.close();
    await disk.writeFrom(`${ROOT}/.mooring/state.json`, 0, older);
    Object.assign(disk.fate, { end: 'power', steps });
    await setUp(disk)
      .appender.open(never)
      .catch(() => expect(disk.isDead).toBe(true));
    disk.restart();
    await setUp(disk).appender.open(never);
    const text = [...disk.files(ROOT)].filter(([path]) => path.includes('x.txt')).flatMap(([, each]) => each);
    for (const sequence of [4, 5, 6]) expect(text.join('')).toContain(`${run}/${sequence}\n`);
  }
});

test('a file that is shorter than what is committed is refused, one that was removed begins anew', async () => {
  const { appender, append, disk } = setUp();
  await appender.open(never);
  const run = RUNS[0] as RunId;
  await append([lines(run, 1, 3, 'x.txt'), lines(run, 4, 6, 'y.txt')]);
  await disk.remove(`${ROOT}/x.txt`);
  await append([lines(run, 7, 7, 'x.txt')]);
  expect(disk.files(ROOT).get('x.txt')).toBe(`${run}/7\n`);

  await disk.writeFrom(`${ROOT}/y.txt`, 10, Buffer.alloc(0));
  await expect(append([lines(run, 8, 8, 'y.txt')])).rejects.toMatchObject({ code: 'SINK_STATE_DAMAGED' });
  await appender.close();
  await expect(setUp(disk).appender.open(never)).rejects.toMatchObject({
    code: 'SINK_STATE_DAMAGED',
    context: { path: `${ROOT}/y.txt` },
  });
});

test('a removed file that is written again survives a kill at any step', async () => {
  for (let steps = 0; steps < 30; steps += 1) {
    const disk = new PowerCutDisk(new SeededRandom(steps));
    const { appender, append } = setUp(disk);
    await appender.open(never);
    const run = RUNS[0] as RunId;
    await append([lines(run, 1, 3, 'x.txt')]);
    await disk.remove(`${ROOT}/x.txt`);
    await disk.syncFolder(ROOT);
    Object.assign(disk.fate, { end: 'power', steps });
    await append([lines(run, 4, 4, 'x.txt')]).catch((error: unknown) => expect(error).toBeInstanceOf(Died));
    disk.restart();
    const again = setUp(disk);
    await again.appender.open(never);
    await again.append([lines(run, 4, 4, 'x.txt')]);
    expect(linesOn(disk)).toEqual([`${run}/4`]);
    expect(again.appender.committed(run).count).toBe(4);
  }
});

test('a mount that cannot do what a commit needs is refused with the step that failed; a full disk only for now', async () => {
  const unfit = (change: Partial<PowerCutDisk>) => setUp(Object.assign(new PowerCutDisk(new SeededRandom(1)), change));
  const fails = (code: string) => async () => {
    throw Object.assign(new Error(code), { code, syscall: 'x' });
  };
  const changes: [string, string, Partial<PowerCutDisk>][] = [
    ['fsync of a folder', 'SINK_MOUNT_UNFIT', { syncFolder: fails('EINVAL') }],
    ['rename', 'SINK_MOUNT_UNFIT', { rename: fails('EPERM') }],
    ['write and fsync', 'SINK_MOUNT_UNFIT', { writeFrom: fails('EIO') }],
    ['write and fsync', 'SINK_FAILED', { writeFrom: fails('ENOSPC') }],
    ['make a folder', 'SINK_MOUNT_UNFIT', { makeFolder: fails('EROFS') }],
    ['read back', 'SINK_MOUNT_UNFIT', { read: async () => Buffer.from('moor') }],
    [
      'lock',
      'SINK_MOUNT_UNFIT',
      {
        lock: () => {
          throw new Error('ENOLCK');
        },
      },
    ],
  ];
  for (const [step, code, change] of changes) {
    await expect(unfit(change).appender.open(never), step).rejects.toMatchObject({ code, context: { step } });
  }
});

test('a second writer stands by until the first is gone, or until it is told to stop', async () => {
  const { appender, append, disk } = setUp();
  await appender.open(never);
  await append([lines(RUNS[0] as RunId, 1, 3, 'x.txt')]);

  const stopped = setUp(disk);
  const stop = new AbortController();
  const stopping = stopped.appender.open(stop.signal);
  await stopped.clock.advance(5000);
  stop.abort(new Error('enough'));
  await expect(stopping).rejects.toThrow('enough');

  const second = setUp(disk);
  let isOpen = false;
  const opening = second.appender.open(never).then(() => {
    isOpen = true;
  });
  await second.clock.advance(5000);
  expect(isOpen).toBe(false);
  await appender.close();
  await second.clock.advance(500);
  await opening;
  expect(second.appender.committed(RUNS[0] as RunId).ranges()).toEqual([[1, 3]]);
});

test('a writer whose lock file was removed writes nothing more, whether or not there is a successor', async () => {
  const run = RUNS[0] as RunId;
  const { appender, append, disk } = setUp();
  await appender.open(never);
  await append([lines(run, 1, 3, 'x.txt')]);
  await disk.remove(`${ROOT}/.mooring/lock`);
  await expect(append([lines(run, 4, 6, 'x.txt')])).rejects.toMatchObject({
    code: 'SINK_FAILED',
    hint: expect.stringContaining('Restart'),
  });
  const second = setUp(disk);
  await second.appender.open(never);
  await second.append([lines(run, 4, 6, 'x.txt')]);
  await expect(append([lines(run, 4, 9, 'x.txt')])).rejects.toMatchObject({ code: 'SINK_FAILED' });
  await appender.close();
  await second.append([lines(run, 7, 9, 'x.txt')]);
  expect(linesOn(disk)).toEqual(span(1, 9).map((sequence) => `${run}/${sequence}`));
  await second.appender.close();
});

test('a commit during which the lock is lost is not confirmed', async () => {
  const run = RUNS[0] as RunId;
  const disk = new PowerCutDisk(new SeededRandom(1));
  const { appender, append } = setUp(disk);
  await appender.open(never);
  await append([lines(run, 1, 3, 'x.txt')]);
  const writeFrom = disk.writeFrom.bind(disk);
  disk.writeFrom = async (path, from, data) => {
    await writeFrom(path, from, data);
    if (path.endsWith('x.txt')) await disk.remove(`${ROOT}/.mooring/lock`);
  };
  await expect(append([lines(run, 4, 6, 'x.txt')])).rejects.toMatchObject({ code: 'SINK_FAILED' });
  expect(stateOn(disk).runs).toEqual({ [run]: [[1, 3]] });
  await appender.close();
});
